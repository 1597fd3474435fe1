#!/usr/bin/env python3
"""Records what PostgreSQL answers: record.py DSN < statements.sql > name.answers

Each statement ends with a semicolon at the end of its line. PostgreSQL 15, a database with C
collation and time zone UTC. Statements that Spar refuses on purpose belong in refusals_test.cpp.
"""
import sys

import psycopg2
import psycopg2.extensions


def statements(text):
    current = ""
    for line in text.splitlines():
        if line.startswith("= ") or not line.strip():
            continue
        current += line + "\n"
        if line.endswith(";"):
            yield current
            current = ""


def outcome(cursor, statement):
    try:
        cursor.execute(statement)
    except psycopg2.Error as error:
        position = error.diag.statement_position
        at = "@" + position if position else ""
        lines = [f"{error.pgcode}{at} {error.diag.message_primary}"]
        if error.diag.message_hint:
            lines.append("HINT " + error.diag.message_hint)
        return lines
    if cursor.description is None:
        return ["OK"]
    rows = ["|".join("" if v is None else v for v in row) for row in cursor.fetchall()]
    return ["OK"] + rows


def main():
    oids = tuple(range(16, 9000))
    raw = psycopg2.extensions.new_type(oids, "RAW", lambda value, cursor: value)
    psycopg2.extensions.register_type(raw)
    connection = psycopg2.connect(sys.argv[1])
    connection.autocommit = True
    cursor = connection.cursor()
    for statement in statements(sys.stdin.read()):
        print(statement, end="")
        for line in outcome(cursor, statement):
            print("= " + line)


main()
