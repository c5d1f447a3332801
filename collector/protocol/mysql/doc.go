// Package mysql reads the protocol of MySQL and MariaDB: queries, prepared statements, several results of one query, files that a query loads, failed logins,
// compression by zlib, and the trace that a query's attributes say. Whether results end as they did before MySQL 5.7.5 (EOF) or after (OK) shows in the first of
// them. Packets whose numbers do not follow each other tell that some are missing. The server speaks first; its greeting says nothing that its client does not
// say as well.
package mysql
