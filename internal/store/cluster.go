package store

import "strings"

// localSuffix ends the name of the table that holds a host's rows, where a Distributed table stands in front of them.
const localSuffix = "_local"

// hosts is what a query returns on every host of the cluster, or on the one there is, to select from.
func (db *DB) hosts(query string) string {
	if db.cluster == "" {
		return "(" + query + ")"
	}
	return "clusterAllReplicas(" + literal(db.cluster) + ", view(" + query + "))"
}

// onCluster makes a statement one for every host.
func (db *DB) onCluster() string {
	if db.cluster == "" {
		return ""
	}
	return " ON CLUSTER " + quote(db.cluster)
}

func quote(identifier string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(identifier) + "`"
}

func literal(s string) string {
	return "'" + strings.NewReplacer("\\", "\\\\", "'", "\\'").Replace(s) + "'"
}
