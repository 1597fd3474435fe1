"""What a Python program does with psycopg2: values of the usual types, transactions, errors, COPY.

usage: psycopg2_client.py HOST PORT DATABASE; exit code 77 when psycopg2 is not installed.
"""

import datetime
import decimal
import io
import sys

try:
    import psycopg2
    import psycopg2.extras
except ImportError:
    print("psycopg2 is not installed")
    sys.exit(77)

ROW = (
    1,
    "it's 90% \\ done, Tomás",
    decimal.Decimal("12.30"),
    datetime.date(2024, 2, 29),
    datetime.datetime(2024, 1, 2, 3, 4, 5, 678),
    True,
    b"\x00\x01\xff",
    0.1,
)


def make_table(connection):
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE goods (id integer PRIMARY KEY, name text, price numeric(10,2), day date,"
            " at timestamp, ok boolean, data bytea, weight double precision)"
        )


def values_come_back(connection):
    with connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO goods VALUES (%s,%s,%s,%s,%s,%s,%s,%s)", ROW)
        assert cursor.rowcount == 1
        cursor.execute("INSERT INTO goods (id) VALUES (%s) RETURNING id, name", (2,))
        assert cursor.fetchone() == (2, None)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM goods ORDER BY id")
        first, second = cursor.fetchall()
        assert first[:6] + (bytes(first[6]),) + first[7:] == ROW, first
        assert second == (2,) + (None,) * 7, second
        assert [column.name for column in cursor.description][:3] == ["id", "name", "price"]


def a_rollback_leaves_nothing(connection):
    cursor = connection.cursor()
    cursor.executemany("INSERT INTO goods (id) VALUES (%s)", [(i,) for i in range(10, 20)])
    cursor.execute("SELECT count(*) FROM goods")
    assert cursor.fetchone() == (12,)
    connection.rollback()
    cursor.execute("SELECT count(*) FROM goods")
    assert cursor.fetchone() == (2,)
    connection.commit()


def errors_have_their_class(connection):
    cursor = connection.cursor()
    try:
        cursor.execute("INSERT INTO goods (id) VALUES (1)")
        raise AssertionError("a key was taken twice")
    except psycopg2.errors.UniqueViolation as error:
        assert error.diag.constraint_name == "goods_pkey"
    try:
        cursor.execute("SELECT 1")
        raise AssertionError("a failed transaction went on")
    except psycopg2.errors.InFailedSqlTransaction:
        connection.rollback()
    for sql, kind in (
        ("SELEC 1", psycopg2.errors.SyntaxError),
        ("SELECT * FROM nothing", psycopg2.errors.UndefinedTable),
        ("SELECT 1 / 0", psycopg2.errors.DivisionByZero),
    ):
        try:
            cursor.execute(sql)
            raise AssertionError(sql + " gave no error")
        except kind:
            connection.rollback()


def many_rows_at_once(connection):
    with connection, connection.cursor() as cursor:
        rows = [(i, "good %d" % i) for i in range(100, 1100)]
        psycopg2.extras.execute_values(cursor, "INSERT INTO goods (id, name) VALUES %s", rows)
        cursor.copy_from(io.StringIO("5000\tone\n5001\t\\N\n"), "goods", columns=("id", "name"))
        out = io.StringIO()
        cursor.copy_expert("COPY (SELECT id, name FROM goods WHERE id >= 5000) TO STDOUT CSV", out)
        assert out.getvalue() == "5000,one\n5001,\n", out.getvalue()
        cursor.execute("SELECT count(*) FROM goods")
        assert cursor.fetchone() == (1004,)


def savepoints_and_modes(connection):
    connection.autocommit = False
    cursor = connection.cursor()
    cursor.execute("SAVEPOINT here")
    cursor.execute("DELETE FROM goods")
    cursor.execute("ROLLBACK TO SAVEPOINT here")
    cursor.execute("SELECT count(*) FROM goods")
    assert cursor.fetchone() == (1004,)
    connection.rollback()
    connection.autocommit = True
    cursor.execute("UPDATE goods SET name = 'x' WHERE id = 2")
    assert connection.get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_IDLE


def main():
    host, port, database = sys.argv[1:4]
    connection = psycopg2.connect(host=host, port=port, dbname=database, user="python")
    for step in (
        make_table,
        values_come_back,
        a_rollback_leaves_nothing,
        errors_have_their_class,
        many_rows_at_once,
        savepoints_and_modes,
    ):
        step(connection)
        print(step.__name__, "holds")
    connection.close()


if __name__ == "__main__":
    main()
