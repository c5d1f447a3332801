// Package mysql reads the protocol of MySQL and MariaDB: queries, prepared statements, several results of one query, files that a query loads, failed logins, and
// compression by zlib. Whether results end as they did before MySQL 5.7.5 (EOF) or after (OK) shows in the first of them. The server speaks first; its
// greeting says nothing that its client does not say as well.
package mysql
