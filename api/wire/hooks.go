package wire

// Posted says what became of another alerting system's message. A retry of the same message gets the same answer and does
// nothing new.
type Posted struct {
	Raised   int    `json:"raised" doc:"firing alerts that were handed on as triggers"`
	Resolved int    `json:"resolved" doc:"alerts that are over; noted in the audit log"`
	Skipped  int    `json:"skipped" doc:"alerts that made no sense, or were too many for one message"`
	Reason   string `json:"reason,omitempty" doc:"why the first of them was skipped"`
	Cut      int    `json:"cut,omitempty" doc:"alerts that the sender says it left out"`
}
