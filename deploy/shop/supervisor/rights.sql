-- Rights of one run. {names} are quoted identifiers, {'names'} quoted strings.
CREATE ROLE {catalog} LOGIN PASSWORD {'catalog-password'};
GRANT SELECT ON {products}, {stock} TO {catalog};
CREATE ROLE {checkout} LOGIN PASSWORD {'checkout-password'};
GRANT SELECT, INSERT ON {orders} TO {checkout};
CREATE ROLE {payment} LOGIN PASSWORD {'payment-password'};
GRANT SELECT, INSERT ON {charges} TO {payment};

-- index_builder can create an index on the products and do nothing else: PostgreSQL lets only a table's owner create
-- one, so it is a member of the owner, which has no other right on the table, and every other command is refused.
CREATE ROLE products_owner NOLOGIN;
GRANT USAGE, CREATE ON SCHEMA public TO products_owner;
ALTER TABLE {products} OWNER TO products_owner;
REVOKE ALL ON {products} FROM products_owner;
CREATE ROLE index_builder LOGIN PASSWORD {'builder-password'} IN ROLE products_owner;
CREATE FUNCTION only_indexes() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF session_user = 'index_builder' AND tg_tag <> 'CREATE INDEX' THEN
		RAISE insufficient_privilege USING MESSAGE = 'index_builder may only create indexes, not ' || tg_tag;
	END IF;
END $$;
CREATE EVENT TRIGGER only_indexes ON ddl_command_start EXECUTE FUNCTION only_indexes();
