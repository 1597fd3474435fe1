"""What a Python program does with SQLAlchemy: its ORM with serial ids, sessions, reflection.

usage: sqlalchemy_client.py HOST PORT DATABASE; exit code 77 when a library is not installed.
"""

import decimal
import sys

try:
    import psycopg2  # noqa: F401
    import sqlalchemy as sa
    from sqlalchemy import orm
except ImportError as missing:
    print(missing)
    sys.exit(77)

Base = orm.declarative_base()


class Author(Base):
    __tablename__ = "authors"
    id = sa.Column(sa.Integer, primary_key=True)  # serial
    name = sa.Column(sa.String(80), nullable=False, unique=True)
    books = orm.relationship("Book", back_populates="author", cascade="all, delete-orphan")


class Book(Base):
    __tablename__ = "books"
    id = sa.Column(sa.BigInteger, primary_key=True)
    author_id = sa.Column(sa.ForeignKey("authors.id"), nullable=False, index=True)
    title = sa.Column(sa.Text, nullable=False)
    price = sa.Column(sa.Numeric(10, 2), default=decimal.Decimal("9.90"))
    added = sa.Column(sa.DateTime(timezone=True), server_default=sa.func.now())
    facts = sa.Column(sa.JSON)
    author = orm.relationship("Author", back_populates="books")


def the_schema_is_made(engine):
    Base.metadata.create_all(engine)
    Base.metadata.create_all(engine)
    inspector = sa.inspect(engine)
    assert sorted(inspector.get_table_names()) == ["authors", "books"]
    assert inspector.get_foreign_keys("books")[0]["referred_table"] == "authors"
    reflected = sa.Table("books", sa.MetaData(), autoload_with=engine)
    assert [column.name for column in reflected.columns][:2] == ["id", "author_id"]


def objects_come_back(engine):
    with orm.Session(engine) as session, session.begin():
        author = Author(name="Steinunn")
        author.books = [Book(title="book %d" % i, facts={"pages": i}) for i in range(50)]
        session.add(author)
        session.flush()
        assert author.id == 1 and len({book.id for book in author.books}) == 50
        assert author.books[0].added is not None
    with orm.Session(engine) as session:
        query = sa.select(Author).options(orm.selectinload(Author.books))
        author = session.execute(query).scalar_one()
        assert [book.facts["pages"] for book in sorted(author.books, key=lambda b: b.id)] == list(
            range(50)
        )
        assert author.books[3].price == decimal.Decimal("9.90")


def sessions_roll_back(engine):
    with orm.Session(engine) as session:
        session.add(Author(name="Halldor"))
        session.flush()
        try:
            with session.begin_nested():
                session.add(Author(name="Steinunn"))
                session.flush()
            raise AssertionError("a unique name was taken twice")
        except sa.exc.IntegrityError as error:
            assert error.orig.pgcode == "23505"
        session.add(Author(name="Gerdur"))
        session.commit()
        session.add(Author(name="Nobody"))
        session.rollback()
        names = session.scalars(sa.select(Author.name).order_by(Author.name)).all()
        assert names == ["Gerdur", "Halldor", "Steinunn"], names


def objects_change_and_go(engine):
    with orm.Session(engine) as session, session.begin():
        book = session.scalars(sa.select(Book).where(Book.title == "book 7").with_for_update()).one()
        book.price = decimal.Decimal("1.25")
    with orm.Session(engine) as session, session.begin():
        session.execute(
            sa.update(Book).where(Book.title.like("book 1%")).values(price=Book.price + 1),
            execution_options={"synchronize_session": "fetch"},
        )
        session.delete(session.scalars(sa.select(Book).where(Book.title == "book 8")).one())
    with orm.Session(engine) as session:
        total = session.execute(sa.select(sa.func.sum(Book.price), sa.func.count())).one()
        assert total == (decimal.Decimal("487.45"), 49), total


def the_core_works(engine):
    with engine.begin() as connection:
        connection.execute(
            sa.insert(Author), [{"name": "author %d" % i} for i in range(1000)]
        )
    with engine.connect().execution_options(stream_results=True) as connection:
        seen = sum(1 for _ in connection.execute(sa.select(Author.id).order_by(Author.id)))
        assert seen == 1003, seen
    with engine.connect().execution_options(isolation_level="SERIALIZABLE") as connection:
        assert connection.scalar(sa.text("SHOW transaction_isolation")) == "serializable"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM authors"))


def main():
    host, port, database = sys.argv[1:4]
    url = "postgresql+psycopg2://python@%s:%s/%s" % (host, port, database)
    engine = sa.create_engine(url, future=True, pool_pre_ping=True)
    for step in (
        the_schema_is_made,
        objects_come_back,
        sessions_roll_back,
        objects_change_and_go,
        the_core_works,
    ):
        step(engine)
        print(step.__name__, "holds")
    engine.dispose()


if __name__ == "__main__":
    main()
