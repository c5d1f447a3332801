package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/midwatch/midwatch/internal/code"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// errNoGraphQL means this server, or this token, has no GraphQL; REST answers in its place.
var errNoGraphQL = errors.New("GraphQL is not available")

// graphQLPath is beside the REST API: /graphql, or /api/graphql on an Enterprise Server.
func (c *Client) graphQLPath() string {
	return strings.TrimSuffix(strings.TrimSuffix(c.api.Path, "/"), "/v3") + "/graphql"
}

type graphQLError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// query asks one GraphQL query. Variables carry every value: nothing is spliced into the text.
func query[T any](ctx context.Context, c *Client, repo code.Repository, what, text string, variables map[string]any) (T, error) {
	var answer struct {
		Data   T              `json:"data"`
		Errors []graphQLError `json:"errors"`
	}
	g, err := c.session(repo)
	if err != nil {
		return answer.Data, err
	}
	variables["owner"], variables["name"] = repo.Owner(), repo.Name()
	err = c.polite(ctx, what, func() error {
		req, err := g.NewRequest(http.MethodPost, c.graphQLPath(), map[string]any{"query": text, "variables": variables})
		if err != nil {
			return err
		}
		answer.Errors = nil
		resp, err := g.Do(ctx, req, &answer)
		if err != nil {
			return err
		}
		return graphQLFailure(answer.Errors, resp)
	})
	if errors.Is(err, code.ErrNotFound) && len(answer.Errors) == 0 {
		return answer.Data, errNoGraphQL
	}
	return answer.Data, err
}

// graphQLFailure reads the errors of an answer whose status is 200.
func graphQLFailure(errs []graphQLError, resp *github.Response) error {
	if len(errs) == 0 {
		return nil
	}
	switch errs[0].Type {
	case "RATE_LIMITED":
		return &github.RateLimitError{Rate: resp.Rate, Response: resp.Response, Message: errs[0].Message}
	case "NOT_FOUND":
		return fmt.Errorf("%w (%s)", code.ErrNotFound, code.Cut(errs[0].Message, 300))
	}
	return errors.New("GitHub answers: " + code.Cut(errs[0].Message, 300))
}

type blobText struct {
	Text        *string `json:"text"`
	IsBinary    *bool   `json:"isBinary"`
	IsTruncated bool    `json:"isTruncated"`
}

// texts reads the text of several files; an element is nil where there is none.
func (c *Client) texts(ctx context.Context, repo code.Repository, files []result.TreeEntry) ([]*string, error) {
	var declared, asked strings.Builder
	variables := map[string]any{}
	for i, f := range files {
		fmt.Fprintf(&declared, ",$o%d:GitObjectID!", i)
		fmt.Fprintf(&asked, "b%d:object(oid:$o%d){...on Blob{text isBinary isTruncated}} ", i, i)
		variables[fmt.Sprint("o", i)] = f.Blob
	}
	text := "query($owner:String!,$name:String!" + declared.String() + "){repository(owner:$owner,name:$name){" + asked.String() + "}}"
	answer, err := query[struct {
		Repository map[string]*blobText `json:"repository"`
	}](ctx, c, repo, fmt.Sprintf("read %d files of %s", len(files), repo), text, variables)
	if err != nil {
		return nil, err
	}
	texts := make([]*string, len(files))
	for i := range files {
		if b := answer.Repository[fmt.Sprint("b", i)]; b != nil && !b.IsTruncated {
			texts[i] = b.Text
		}
	}
	return texts, nil
}

type blameAnswer struct {
	Repository struct {
		Object *struct {
			Blame struct {
				Ranges []struct {
					StartingLine int `json:"startingLine"`
					EndingLine   int `json:"endingLine"`
					Commit       struct {
						OID           string    `json:"oid"`
						CommittedDate time.Time `json:"committedDate"`
						Message       string    `json:"message"`
						Author        struct {
							Name string `json:"name"`
						} `json:"author"`
					} `json:"commit"`
				} `json:"ranges"`
			} `json:"blame"`
		} `json:"object"`
	} `json:"repository"`
}

const blameQuery = `query($owner:String!,$name:String!,$commit:GitObjectID!,$path:String!){repository(owner:$owner,name:$name){` +
	`object(oid:$commit){...on Commit{blame(path:$path){ranges{startingLine endingLine commit{oid committedDate message author{name}}}}}}}}`
