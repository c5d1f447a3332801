// Package metadatatest opens real metadata stores for tests: a SQLite file, or a PostgreSQL server of the test's own.
package metadatatest
