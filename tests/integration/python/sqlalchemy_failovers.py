"""Four threads of SQLAlchemy's ORM with serial ids, while the primary is killed again and again.

Each transaction inserts an order and its lines, reads them back before the commit, and looks at them
once more afterwards. What was acknowledged is written to LEDGER, a line a transaction. It ends when
the file STOP is there; then all that the database holds is compared with what was acknowledged.

usage: sqlalchemy_failovers.py HOST PORT DATABASE LEDGER STOP
exit code 0 when no client saw an error, nothing is lost and nothing doubled; 77 when a library is
not installed. The last line says what was seen, as JSON.
"""

import collections
import json
import os
import sys
import threading
import time

try:
    import psycopg2  # noqa: F401
    import sqlalchemy as sa
    from sqlalchemy import orm
except ImportError as missing:
    print(missing)
    sys.exit(77)

THREADS = 4
Base = orm.declarative_base()


class Order(Base):
    __tablename__ = "orders"
    id = sa.Column(sa.Integer, primary_key=True)
    token = sa.Column(sa.Text, nullable=False, index=True)  # not unique: doubles must show
    placed = sa.Column(sa.DateTime(timezone=True), server_default=sa.func.now())
    lines = orm.relationship("Line", back_populates="order", order_by="Line.id")


class Line(Base):
    __tablename__ = "lines"
    id = sa.Column(sa.BigInteger, primary_key=True)
    order_id = sa.Column(sa.ForeignKey("orders.id"), nullable=False, index=True)
    amount = sa.Column(sa.Integer, nullable=False)
    order = orm.relationship("Order", back_populates="lines")


class Seen:
    """What the threads saw."""

    def __init__(self, ledger):
        self.lock = threading.Lock()
        self.ledger = open(ledger, "w", buffering=1)
        self.acknowledged = []
        self.errors = collections.Counter()  # by SQLSTATE
        self.first_errors = []
        self.longest = 0.0

    def acknowledge(self, token, order, lines, took):
        with self.lock:
            self.acknowledged.append((token, order, lines))
            self.longest = max(self.longest, took)
            self.ledger.write("%s %d\n" % (token, order))

    def failed(self, token, error):
        with self.lock:
            code = getattr(getattr(error, "orig", None), "pgcode", None)
            self.errors[str(code)] += 1
            if len(self.first_errors) < 10:
                self.first_errors.append("%s: %s %s" % (token, code, str(error).strip()[:900]))


def place(engine, token, number):
    """One order in one transaction; gives its ids."""
    with orm.Session(engine) as session:
        order = Order(token=token)
        session.add(order)
        session.flush()  # the id is known from here on
        order.lines = [Line(amount=number + i) for i in range(1 + number % 3)]
        session.flush()
        total = sa.select(sa.func.sum(Line.amount)).where(Line.order_id == order.id)
        assert session.scalar(total) == sum(line.amount for line in order.lines), token
        ids = order.id, [line.id for line in order.lines]
        session.commit()
        return ids


def look(engine, token, ids):
    with orm.Session(engine) as session:
        order = session.get(Order, ids[0], options=[orm.selectinload(Order.lines)])
        assert order is not None and order.token == token, "%s is not there" % token
        assert [line.id for line in order.lines] == sorted(ids[1]), token


def work(engine, name, stop, seen):
    number = 0
    while not os.path.exists(stop):
        token = "%s-%d" % (name, number)
        number += 1
        started = time.monotonic()
        try:
            ids = place(engine, token, number)
            seen.acknowledge(token, ids[0], ids[1], time.monotonic() - started)
            look(engine, token, ids)
        except Exception as error:  # every kind counts
            seen.failed(token, error)


def compare(engine, seen):
    with orm.Session(engine) as session:
        lines = collections.defaultdict(list)
        for line, order in session.execute(sa.select(Line.id, Line.order_id).order_by(Line.id)):
            lines[order].append(line)
        orders = session.execute(sa.select(Order.token, Order.id)).all()
    held = collections.Counter(order.token for order in orders)
    whole = {(order.token, order.id, tuple(lines[order.id])) for order in orders}
    told = {(token, order, tuple(sorted(ids))) for token, order, ids in seen.acknowledged}
    return {
        "acknowledged": len(told),
        "errors": seen.errors,
        "lost": len(told - whole),
        "doubled": sum(count - 1 for count in held.values()),
        "never_acknowledged": len(held) - len(told),
        "longest_ms": int(seen.longest * 1000),
        "first_errors": seen.first_errors,
    }


def main():
    host, port, database, ledger, stop = sys.argv[1:6]
    url = "postgresql+psycopg2://postgres@%s:%s/%s" % (host, port, database)
    engine = sa.create_engine(url, future=True, pool_size=THREADS)
    Base.metadata.create_all(engine)
    seen = Seen(ledger)
    threads = [
        threading.Thread(target=work, args=(engine, "t%d" % i, stop, seen)) for i in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.dispose()
    found = compare(engine, seen)
    print(json.dumps(found))
    wrong = ("errors", "lost", "doubled", "never_acknowledged")
    sys.exit(0 if not any(found[key] for key in wrong) else 1)


if __name__ == "__main__":
    main()
