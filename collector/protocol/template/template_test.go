package template_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/collector/protocol/template"
)

func TestRoute(t *testing.T) {
	for in, want := range map[string]string{
		"/":                       "/",
		"":                        "",
		"*":                       "*",
		"/items/17":               "/items/{id}",
		"/items/17/":              "/items/{id}/",
		"/api/v1/orders/9f8e7d6c": "/api/v1/orders/{id}",
		"/api/v2.1/cart":          "/api/v2.1/cart",
		"/u/0b6f8b1e-7d3c-4a7e-9a55-0123456789ab": "/u/{id}",
		"/u/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee": "/u/{id}",
		"/users/jo@example.com":                   "/users/{id}",
		"/orders/order-123":                       "/orders/order-{id}",
		"/carts/u1627/items":                      "/carts/{id}/items",
		"/carts/u7":                               "/carts/{id}",
		"/cities/c12":                             "/cities/{id}",
		"/sku/AB0042":                             "/sku/{id}",
		"/api-v1/ec2/oauth2":                      "/api-v1/ec2/oauth2",
		"/caf\xe9/\x00":                           "/{id}/{id}",
		"/oauth2/callback":                        "/oauth2/callback",
		"/sha256/deadbeef":                        "/sha256/deadbeef",
		"/s/k3J9x2LmQp":                           "/s/{id}",
		"/img/12.png":                             "/img/{id}.png",
		"/2024-01-31/report":                      "/{id}-{id}-{id}/report",
		"/a/b/c/d/e/f/g/h/i/j/k/l":                "/a/b/c/d/e/f/g/h/i/j/...",
		"/caf%C3%A9":                              "/{id}",
	} {
		if got := template.Route(in); got != want {
			t.Errorf("Route(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMessage(t *testing.T) {
	for in, want := range map[string]string{
		`relation "products" does not exist`:                                `relation "products" does not exist`,
		`invalid input syntax for type integer: "4711 secret"`:              `invalid input syntax for type integer: "?"`,
		`Key (email)=(jo@example.com) already exists.`:                      `Key (email)=(?) already exists.`,
		`duplicate key value violates unique constraint "users_pkey"`:       `duplicate key value violates unique constraint "users_pkey"`,
		`ERR unknown command 'FOO', with args beginning with: 'bar' 'baz' `: `ERR unknown command '?', with args beginning with: '?' '?' `,
		`value 12.5 at 10.0.0.1 is too large for col2`:                      `value ? at ? is too large for col2`,
		`Table 'shop.x' doesn't exist, 'secret' isn't`:                      `Table '?' doesn't exist, '?' isn't`,
		`near n't' or N't secret'`:                                          `near n'?' or N'?'`,
		`unterminated 'quote`:                                               `unterminated '?'`,
	} {
		if got := template.Message(in, 256); got != want {
			t.Errorf("Message(%q)\n got %q\nwant %q", in, got, want)
		}
	}
	if got := template.Message("ééééé", 3); got != "é" {
		t.Errorf("cut to %q", got)
	}
}

func TestSQL(t *testing.T) {
	sql := template.NewSQL(8)
	for in, want := range map[string]template.Statement{
		"SELECT * FROM products WHERE id = 17 AND name = 'O''Brien'":                            {"SELECT * FROM products WHERE id = ? AND name = ?", "SELECT", "products", "SELECT products"},
		"select a.x, b.y from orders a join items b on a.id = b.order_id where a.total > 9.5e3": {"select a.x, b.y from orders a join items b on a.id = b.order_id where a.total > ?", "SELECT", "", "SELECT orders items"},
		"INSERT INTO carts (id, body) VALUES ($1, $2), ($3, $4)":                                {"INSERT INTO carts (id, body) VALUES ($1, $2), ($3, $4)", "INSERT", "carts", "INSERT carts"},
		"UPDATE stock SET n = n - 1 WHERE sku IN (1, 2, 3)":                                     {"UPDATE stock SET n = n - ? WHERE sku IN (?)", "UPDATE", "stock", "UPDATE stock"},
		"DELETE FROM public.sessions WHERE token = E'ab\\'c' /* trace */ -- note":               {"DELETE FROM public.sessions WHERE token = E ?", "DELETE", "public.sessions", "DELETE public.sessions"},
		`SELECT a FROM t WHERE b = E'it\'s secret' AND c = 'd'`:                                 {"SELECT a FROM t WHERE b = E ?", "SELECT", "t", "SELECT t"},
		`SELECT a FROM t WHERE b = 'x\' AND c = 'secret'`:                                       {"SELECT a FROM t WHERE b = ? AND c = ?", "SELECT", "t", "SELECT t"},
		"begin": {"begin", "BEGIN", "", "BEGIN"},
		"WITH t AS (SELECT 1) UPDATE stock SET n = 2":          {"WITH t AS (SELECT ?) UPDATE stock SET n = ?", "UPDATE", "stock", "UPDATE stock"},
		"COPY carts FROM STDIN":                                {"COPY carts FROM STDIN", "COPY", "carts", "COPY carts"},
		"SELECT $$secret$$, 'open":                             {"SELECT ?, ?", "SELECT", "", "SELECT"},
		"INSERT INTO notes (body) VALUES ($$secret FROM cards": {"INSERT INTO notes (body) VALUES (?", "INSERT", "notes", "INSERT notes"},
		"DO $fn$ DELETE FROM secrets WHERE":                    {"DO ?", "DO", "", "DO"},
		"SELECT n FROM t WHERE a = $1 /* for bob@example.com":  {"SELECT n FROM t WHERE a = $1 ?", "SELECT", "t", "SELECT t"},
		"": {"", "QUERY", "", "QUERY"},
	} {
		if diff := cmp.Diff(&want, sql.Template(in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func TestMySQL(t *testing.T) {
	sql := template.NewMySQL(8)
	for in, want := range map[string]template.Statement{
		"SELECT name FROM `carts` WHERE id = 7":                     {"SELECT name FROM carts WHERE id = ?", "SELECT", "carts", "SELECT carts"},
		`UPDATE t SET a = 'it\'s', b = "a""b" WHERE c="d\"e"`:       {"UPDATE t SET a = ?, b = ? WHERE c = ?", "UPDATE", "t", "UPDATE t"},
		`SELECT a FROM t WHERE b LIKE"x%"AND c IN("y","z")`:         {"SELECT a FROM t WHERE b LIKE ? AND c IN (?)", "SELECT", "t", "SELECT t"},
		`SELECT _utf8mb4"x", N'y', x'00', 0x00, 0b101, b'1' FROM t`: {"SELECT _utf8mb4 ?, N ?, x ?, ?, ?, b ? FROM t", "SELECT", "t", "SELECT t"},
		`SELECT a->"$.x" FROM t`:                                    {"SELECT a -> ? FROM t", "SELECT", "t", "SELECT t"},
		"SELECT 5--3 FROM t":                                        {"SELECT ? - ? FROM t", "SELECT", "t", "SELECT t"},
		"SELECT 1 #x\n, 2 -- y\n, /* z */ 3 FROM t":                 {"SELECT ?, ?, ? FROM t", "SELECT", "t", "SELECT t"},
		"SELECT `a'b`, 'c' FROM t WHERE d = 'e'":                    {"SELECT ?, ? FROM t WHERE d = ?", "SELECT", "t", "SELECT t"},
		"SELECT '\xa5\\', 'x'":                                      {"SELECT ?", "SELECT", "", "SELECT"}, // Big5 or GBK
		"SELECT _binary '\xa5\\'', 'x'":                             {"SELECT _binary ?", "SELECT", "", "SELECT"},
		"SELECT _binary '\xa5 \\'', 'x'":                            {"SELECT _binary ?, ?", "SELECT", "", "SELECT"},
		"use `shop`":                                                {"use shop", "USE", "", "USE"},
	} {
		if diff := cmp.Diff(&want, sql.Template(in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

// TestMySQLSecrets: wherever a value stands, whatever it has before it, and wherever the text is cut off, it does not get out.
func TestMySQLSecrets(t *testing.T) {
	sql := template.NewMySQL(1)
	values := []string{`'%s'`, `"%s"`, `'\'%s'`, `"\"%s"`, `'''%s'`, `"""%s"`, `'\\\'%s'`, `'"%s'`, `"'%s"`, "'`%s'", `'#%s'`, `"--%s"`, `"/*%s*/"`, "'\n%s'", "'\x00%s'", "'é%s'", `'$$%s'`}
	for _, before := range []string{"", "1, ", "''", `""`, `'\\',`, `"\\",`, "a LIKE", "a=", "N", "_utf8", "`b`,", "`c'd`,", "e#f\n,", "1--", "-- '\n", `/*'"*/`, `\N,`, "(", "@", "{d "} {
		for _, value := range values {
			text := "SELECT " + before + strings.ReplaceAll(value, "%s", "secret") + " , 'secret', \"secret\" FROM t"
			for end := range len(text) {
				if got := sql.Template(text[:end+1]); strings.Contains(got.Text+got.Summary, "sec") {
					t.Fatalf("%q became %q", text[:end+1], got.Text)
				}
			}
		}
	}
}

func TestKey(t *testing.T) {
	for in, want := range map[string]string{
		"cart:17":              "cart:?",
		"cart:u1627":           "cart:?",
		"cart:{17}:items":      "cart:{?}:items",
		"user_conf_config_1":   "user_conf_config_?",
		"session:9f8e7d6c5b4a": "session:?",
		"u:jo@example.com":     "u:?.com",
		"v2cart":               "v?cart",
		"a b\x00":              "a?b?",
		"":                     "",
	} {
		if got := template.Key(in); got != want {
			t.Errorf("Key(%q) = %q, want %q", in, got, want)
		}
	}
}
