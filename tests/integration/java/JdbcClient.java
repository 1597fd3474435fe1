import java.math.BigDecimal;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Timestamp;
import java.util.Arrays;
import java.util.Properties;

/** What a Java program does with JDBC: prepared statements, batches, transactions. */
public final class JdbcClient {
  private static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
    System.out.println(what);
  }

  private static long count(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
         ResultSet rows = statement.executeQuery("SELECT count(*) FROM stock")) {
      rows.next();
      return rows.getLong(1);
    }
  }

  private static void makeTable(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE stock (id bigint PRIMARY KEY, name varchar(40) NOT NULL,"
          + " price numeric(10,2), sold boolean, at timestamp, weight double precision)");
    }
  }

  // Often enough for the driver to go over to named statements and binary values.
  private static void preparedStatements(Connection connection) throws SQLException {
    Timestamp at = Timestamp.valueOf("2024-02-29 12:34:56.789");
    try (PreparedStatement insert =
             connection.prepareStatement("INSERT INTO stock VALUES (?, ?, ?, ?, ?, ?)");
         PreparedStatement select =
             connection.prepareStatement("SELECT * FROM stock WHERE id = ?")) {
      for (long id = 1; id <= 20; ++id) {
        insert.setLong(1, id);
        insert.setString(2, "good " + id);
        insert.setBigDecimal(3, new BigDecimal("1.25").multiply(BigDecimal.valueOf(id)));
        insert.setBoolean(4, id % 2 == 0);
        insert.setTimestamp(5, at);
        insert.setDouble(6, id / 3.0);
        check(insert.executeUpdate() == 1, "row " + id + " is inserted");
        select.setLong(1, id);
        try (ResultSet rows = select.executeQuery()) {
          check(rows.next() && rows.getLong("id") == id && rows.getString(2).equals("good " + id)
                  && rows.getBigDecimal(3).compareTo(
                         new BigDecimal("1.25").multiply(BigDecimal.valueOf(id))) == 0
                  && rows.getBoolean(4) == (id % 2 == 0) && rows.getTimestamp(5).equals(at)
                  && rows.getDouble(6) == id / 3.0 && !rows.next(),
              "row " + id + " comes back");
        }
      }
    }
  }

  private static void batches(Connection connection) throws SQLException {
    try (PreparedStatement insert =
             connection.prepareStatement("INSERT INTO stock (id, name) VALUES (?, ?)")) {
      for (long id = 1000; id < 1500; ++id) {
        insert.setLong(1, id);
        insert.setString(2, "batch " + id);
        insert.addBatch();
      }
      int[] counts = insert.executeBatch();
      check(counts.length == 500 && Arrays.stream(counts).allMatch(n -> n == 1 || n == -2),
          "a batch of 500 is stored");
    }
    check(count(connection) == 520, "every row of the batch is there");
    connection.setAutoCommit(false);
    try (PreparedStatement insert =
             connection.prepareStatement("INSERT INTO stock (id, name) VALUES (?, 'twice')")) {
      for (long id : new long[] {2000, 1, 2001}) {
        insert.setLong(1, id);
        insert.addBatch();
      }
      insert.executeBatch();
      throw new AssertionError("a batch with a key taken twice was stored");
    } catch (BatchUpdateException error) {
      check("23505".equals(error.getSQLState()), "a batch's failure has its SQLSTATE");
    }
    connection.rollback();
    check(count(connection) == 520, "nothing of a failed batch is left");
  }

  private static void transactions(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      check(statement.executeUpdate("DELETE FROM stock WHERE id >= 1000") == 500, "500 deleted");
      Savepoint savepoint = connection.setSavepoint("before");
      statement.executeUpdate("DELETE FROM stock");
      connection.rollback(savepoint);
      check(count(connection) == 20, "a savepoint brings back what came after it");
      connection.rollback();
      check(count(connection) == 520, "a rollback brings everything back");
      connection.commit();
      connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
      statement.executeUpdate("UPDATE stock SET price = price * 2 WHERE id <= 20");
      connection.commit();
      connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
    }
    connection.setAutoCommit(true);
  }

  // Portals with row limits: 520 rows in steps of 50.
  private static void fetchSize(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.setFetchSize(50);
      try (ResultSet rows = statement.executeQuery("SELECT id FROM stock ORDER BY id")) {
        int seen = 0;
        while (rows.next()) ++seen;
        check(seen == 520, "a portal gives all rows in steps");
      }
    }
    connection.commit();
    connection.setAutoCommit(true);
  }

  public static void main(String[] arguments) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", "java");
    properties.setProperty("sslmode", "disable");
    try (Connection connection = DriverManager.getConnection(arguments[0], properties)) {
      makeTable(connection);
      preparedStatements(connection);
      batches(connection);
      transactions(connection);
      fetchSize(connection);
    }
  }
}
