# What DuckDB reads from a table: python duckdb_tables.py csv|json_lines|parquet FILE
import json
import sys

import duckdb

form, path = sys.argv[1:3]
source = {
    "csv": "read_csv(?, header = true, strict_mode = true, sample_size = -1)",
    "json_lines": "read_json(?, format = 'newline_delimited', sample_size = -1)",
    "parquet": "read_parquet(?)",
}[form]
columns = {
    "json_lines": "kind, node, \"at\".ns AS ns, CAST(subject AS VARCHAR) AS subject, CAST(correlation_id AS VARCHAR)",
}.get(form, "kind, node, CAST(ns AS VARCHAR), subject, correlation_id")
rows = duckdb.execute(f"SELECT {columns} FROM {source}", [path]).fetchall()
types = duckdb.execute(f"DESCRIBE SELECT * FROM {source}", [path]).fetchall()
print(json.dumps({"rows": rows, "columns": {name: kind for name, kind, *_ in types}}))
