package bedrock

import (
	"bytes"
	"encoding/json"

	brdocument "github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	smithydocument "github.com/aws/smithy-go/document"
)

// document hands JSON to the SDK, which knows only its own documents. Numbers keep their digits: a time in nanoseconds
// does not fit a float.
func document(raw json.RawMessage) (brdocument.Interface, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return brdocument.NewLazyDocument(numbers(value)), nil
}

// numbers replaces the numbers of encoding/json by those of the SDK.
func numbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		return smithydocument.Number(v)
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return value
}
