// Package postgres reads the PostgreSQL protocol 3.0, from the side of neither end: simple queries, the extended
// protocol with named and unnamed statements and portals, pipelines, COPY, errors with their SQLSTATE, and the start of a
// connection, which names the database. It gives up on TLS, GSS encryption and replication.
package postgres
