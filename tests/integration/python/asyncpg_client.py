"""What a Python program does with asyncpg: binary values, a pool, prepared statements, COPY, LISTEN.

usage: asyncpg_client.py HOST PORT DATABASE; exit code 77 when asyncpg is not installed.
"""

import asyncio
import datetime
import decimal
import io
import sys
import uuid

try:
    import asyncpg
except ImportError:
    print("asyncpg is not installed")
    sys.exit(77)

ROW = (
    1,
    "Tomás",
    decimal.Decimal("12.30"),
    datetime.date(2024, 2, 29),
    datetime.datetime(2024, 1, 2, 3, 4, 5, 678, tzinfo=datetime.timezone.utc),
    [1, None, 3],
    uuid.UUID(int=7),
    b"\x00\xff",
)


async def values_come_back(pool):
    async with pool.acquire() as connection:
        await connection.execute(
            "CREATE TABLE goods (id serial PRIMARY KEY, name text, price numeric, day date,"
            " at timestamptz, numbers int[], code uuid, data bytea)"
        )
        await connection.execute(
            "INSERT INTO goods VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", *ROW
        )
        assert tuple(await connection.fetchrow("SELECT * FROM goods")) == ROW
        await connection.execute("CREATE TYPE mood AS ENUM ('fine', 'bad')")
        await connection.execute("ALTER TABLE goods ADD mood mood")
        await connection.execute("UPDATE goods SET mood = $1", "fine")
        assert await connection.fetchval("SELECT mood FROM goods") == "fine"


async def transactions_and_errors(pool):
    async with pool.acquire() as connection:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.execute("INSERT INTO goods (id, name) VALUES (2, 'two')")
            try:
                async with connection.transaction():
                    await connection.execute("INSERT INTO goods (id) VALUES (1)")
                raise AssertionError("a key was taken twice")
            except asyncpg.UniqueViolationError as error:
                assert error.constraint_name == "goods_pkey"
        assert await connection.fetchval("SELECT count(*) FROM goods") == 2
        for sql, kind in (
            ("SELEC 1", asyncpg.PostgresSyntaxError),
            ("SELECT * FROM nothing", asyncpg.UndefinedTableError),
            ("SELECT 1 / 0", asyncpg.DivisionByZeroError),
        ):
            try:
                await connection.fetch(sql)
                raise AssertionError(sql + " gave no error")
            except kind:
                pass


async def many_at_once(pool):
    async def work(number):
        async with pool.acquire() as connection:
            for i in range(20):
                key = 1000 + number * 100 + i
                await connection.execute("INSERT INTO goods (id, name) VALUES ($1, $2)", key, "x")
                assert await connection.fetchval("SELECT id FROM goods WHERE id = $1", key) == key

    await asyncio.gather(*(work(number) for number in range(10)))
    async with pool.acquire() as connection:
        await connection.executemany(
            "INSERT INTO goods (id, name) VALUES ($1, $2)", [(i, str(i)) for i in range(5000, 5500)]
        )
        assert await connection.fetchval("SELECT count(*) FROM goods") == 702


async def statements_and_cursors(pool):
    async with pool.acquire() as connection:
        statement = await connection.prepare("SELECT id FROM goods WHERE id >= $1 ORDER BY id")
        assert len(await statement.fetch(5000)) == 500
        async with connection.transaction():
            seen = [row["id"] async for row in statement.cursor(5000, prefetch=30)]
        assert seen == list(range(5000, 5500))


async def copies(pool):
    async with pool.acquire() as connection:
        await connection.copy_records_to_table(
            "goods", records=[(i, "copied") for i in range(9000, 9100)], columns=["id", "name"]
        )
        out = io.BytesIO()
        await connection.copy_from_query(
            "SELECT id, name FROM goods WHERE id >= $1 ORDER BY id", 9098, output=out, format="csv"
        )
        assert out.getvalue() == b"9098,copied\n9099,copied\n", out.getvalue()


async def notifications(pool):
    heard = asyncio.get_running_loop().create_future()
    async with pool.acquire() as listener, pool.acquire() as speaker:
        await listener.add_listener("news", lambda *news: heard.set_result(news[3]))
        await speaker.execute("NOTIFY news, 'hello'")
        assert await asyncio.wait_for(heard, 30) == "hello"
        await listener.reset()


async def main():
    host, port, database = sys.argv[1:4]
    async with asyncpg.create_pool(
        host=host, port=int(port), database=database, user="python", min_size=2, max_size=10
    ) as pool:
        for step in (
            values_come_back,
            transactions_and_errors,
            many_at_once,
            statements_and_cursors,
            copies,
            notifications,
        ):
            await step(pool)
            print(step.__name__, "holds")


if __name__ == "__main__":
    asyncio.run(main())
