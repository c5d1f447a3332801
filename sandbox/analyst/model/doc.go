// Package model is what runs inside the sandbox when a model is the analyst: it builds each prompt, reads each answer,
// keeps the conversation within the model's context and writes the report. Like the built-in analyst it is pure and keeps
// nothing between steps: the same request gives the same answer, byte for byte. It calls nobody; whoever runs it performs
// what it asks for.
//
// A turn goes like this: Step returns Ask; the answer comes back as the newest Exchange of the turn; Step reads it and
// returns Step (tool calls or a report), or Ask again with corrections if the answer cannot be used and AsksLeft allows
// it. The turn that is decided is always the one after the last of the transcript. Of Exchanges only those of that turn
// are read: earlier turns speak through the transcript, so it does not matter which analyst decided them. In stage Reply
// it is the one that Reply.Turn names, whose number no other turn of the investigation and its questions has.
//
// What the model sees of telemetry stands between fences whose mark cannot occur in it (see fence). What it writes is
// believed only as far as it can be checked: names of tools, schemas of arguments, ids of evidence, the existence of the
// culprit, the truth of checks.
package model
