// Package mongodb reads MongoDB's wire protocol: commands in OP_MSG and in the older OP_QUERY, compressed ones too, and their answers, paired by the request's id. A
// statement is the command with its fields and without its values. The client speaks first.
//
// Of a message of which not all was copied as much is read as is there: what a command asks stands at its beginning, and the answer of one that failed is short.
package mongodb
