/** What runs a query. Types only: client.ts opens the pools. */
import type postgres from "postgres";

export type Sql = postgres.Sql;
/** What a query function needs: the pool, or one reserved connection inside a transaction. */
export type Queryable = postgres.ISql;
