# What a Perl program does with DBI: placeholders, transactions, errors, COPY, LISTEN.
# usage: dbi_client.pl HOST PORT DATABASE; exit code 77 when DBD::Pg is not installed.
use strict;
use warnings;
use utf8;

unless (eval { require DBI; require DBD::Pg; 1 }) {
    print "DBD::Pg is not installed\n";
    exit 77;
}
my ($host, $port, $database) = @ARGV;

sub check {
    my ($holds, $what) = @_;
    die "$what does not hold\n" unless $holds;
    print "$what\n";
}

my $db = DBI->connect("dbi:Pg:dbname=$database;host=$host;port=$port", "perl", "",
    { RaiseError => 1, PrintError => 0, AutoCommit => 1, pg_enable_utf8 => 1 });
$db->do("SET client_min_messages = warning");
$db->do("CREATE TABLE goods (id serial PRIMARY KEY, name text UNIQUE, price numeric, data bytea)");

my $insert = $db->prepare("INSERT INTO goods (name, price, data) VALUES (?, ?, ?) RETURNING id");
for my $i (1 .. 30) {
    $insert->bind_param(1, "þing $i");
    $insert->bind_param(2, $i / 4);
    $insert->bind_param(3, "\0\xff" x $i, { pg_type => DBD::Pg::PG_BYTEA() });
    $insert->execute;
    check($insert->fetchrow_array == $i, "good $i gets its id");
}
check($db->last_insert_id(undef, undef, "goods", undef) == 30, "last_insert_id");

my $rows = $db->selectall_arrayref("SELECT id, name, price, data FROM goods ORDER BY id");
check(@$rows == 30 && $rows->[6][1] eq "þing 7" && $rows->[6][2] == 1.75
        && $rows->[6][3] eq "\0\xff" x 7, "values come back");

$db->begin_work;
$db->do("DELETE FROM goods WHERE id > ?", undef, 10);
$db->pg_savepoint("here");
check(!eval { $db->do("INSERT INTO goods (name) VALUES (?)", undef, "þing 1"); 1 }
        && $db->state eq "23505", "an error has its SQLSTATE");
check(!eval { $db->do("SELECT 1"); 1 } && $db->state eq "25P02", "a failed transaction stays so");
$db->pg_rollback_to("here");
check($db->selectrow_array("SELECT count(*) FROM goods") == 10, "a savepoint is gone back to");
$db->rollback;
check($db->selectrow_array("SELECT count(*) FROM goods") == 30, "a rollback leaves nothing");
check($db->ping, "ping");

$db->do("COPY goods (name) FROM STDIN");
$db->pg_putcopydata("copied $_\n") for 1 .. 1000;
$db->pg_putcopyend;
check($db->selectrow_array("SELECT count(*) FROM goods") == 1030, "COPY in");
$db->do("COPY (SELECT name FROM goods WHERE id > 30 ORDER BY id) TO STDOUT");
my ($line, $lines) = ("", 0);
++$lines while $db->pg_getcopydata($line) >= 0;
check($lines == 1000, "COPY out");

$db->do("LISTEN news");
$db->do("NOTIFY news, 'hello'");
my $news = $db->pg_notifies;
check($news && $news->[0] eq "news" && $news->[2] eq "hello", "LISTEN");

check(scalar(grep { $_ =~ /goods/ } $db->tables(undef, "public", undef, "TABLE")) == 1, "tables");
$db->disconnect;
