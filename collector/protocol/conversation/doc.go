// Package conversation follows the connections the probe sees: it recognises what each speaks, feeds the right parser
// and hands on the calls, with the process and the end of the connection they were seen at.
package conversation
