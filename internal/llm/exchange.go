package llm

// Exchange is a model's answer as it came.
type Exchange struct {
	Turn     int      `json:"turn"` // it was asked in
	Response Response `json:"response"`
}
