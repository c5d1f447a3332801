package wire

import (
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// ServiceList is every service that was seen in a window.
type ServiceList struct {
	Window   investigation.Window `json:"window"`
	StepS    int                  `json:"step_s" doc:"length of a step of the series, seconds"`
	Services []ServiceRow         `json:"services"`
}

// ServiceRow is one service with its sparkline.
type ServiceRow struct {
	result.Service
	Series []result.Point `json:"series" doc:"oldest first; a step without requests is left out"`
}

// ServiceDetail is one service in a window.
type ServiceDetail struct {
	Window     investigation.Window `json:"window"`
	Service    string               `json:"service"`
	StepS      int                  `json:"step_s" doc:"length of a step of the series, seconds"`
	Points     []result.Point       `json:"points" doc:"oldest first; a step without requests is left out"`
	Operations []result.Operation   `json:"operations"`
	Edges      []result.Edge        `json:"edges" doc:"calls from and to the service"`
	Changes    result.Changes       `json:"changes" doc:"of the service"`
}

// EdgeList is who calls whom.
type EdgeList struct {
	Window investigation.Window `json:"window"`
	result.Edges
}

// ChangeList is what changed in a window.
type ChangeList struct {
	Window investigation.Window `json:"window"`
	result.Changes
}

// ToolList is the registry.
type ToolList struct {
	Tools []Tool `json:"tools"`
}

// Tool is one entry of the registry.
type Tool struct {
	Name        string                   `json:"name"`
	Description string                   `json:"description"`
	Schema      any                      `json:"schema" doc:"JSON schema of the arguments"`
	DataTypes   []investigation.DataType `json:"data_types"`
	Cost        int                      `json:"cost" doc:"1 cheap to 3 expensive"`
}

// ToolResult is what a tool found.
type ToolResult struct {
	Summary string               `json:"summary"`
	Query   string               `json:"query"`
	Window  investigation.Window `json:"window"`
	Data    any                  `json:"data" doc:"its shape is the tool's own"`
}
