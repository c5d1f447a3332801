package api

import (
	"context"
	"encoding/json"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
)

func (s *Server) listTools(context.Context, auth.Caller, *struct{}) (wire.ToolList, error) {
	list := wire.ToolList{Tools: []wire.Tool{}}
	for _, name := range s.cfg.Tools.Names() {
		t, err := s.cfg.Tools.Get(name)
		if err != nil {
			return list, err
		}
		list.Tools = append(list.Tools, wire.Tool{
			Name: t.Name, Description: t.Description, Schema: t.Schema, DataTypes: t.DataTypes, Cost: t.Cost,
		})
	}
	return list, nil
}

type toolInput struct {
	Name string          `path:"name" maxLength:"100"`
	Body json.RawMessage `doc:"arguments, by the tool's schema"`
}

func (in *toolInput) audit() string { return string(in.Body) }

func (s *Server) runTool(ctx context.Context, who auth.Caller, in *toolInput) (wire.ToolResult, error) {
	r, err := s.call(ctx, who, in.Name, in.Body)
	return wire.ToolResult{Summary: r.Summary, Query: r.Query, Window: r.Window, Data: r.Data}, err
}
