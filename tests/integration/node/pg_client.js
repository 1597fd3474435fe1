// What a JavaScript program does with node-postgres: a pool, parameters, transactions, errors.
// usage: NODE_PATH=... node pg_client.js HOST PORT DATABASE
'use strict';
const assert = require('assert');
const { Pool } = require('pg');

const [host, port, database] = process.argv.slice(2);
const pool = new Pool({ host, port: Number(port), database, user: 'node', max: 10 });

async function valuesComeBack() {
  await pool.query('CREATE TABLE goods (id serial PRIMARY KEY, name text UNIQUE, facts jsonb,' +
                   ' at timestamptz, numbers int[], data bytea)');
  const row = ['þing', { pages: [1, 2] }, new Date('2024-02-29T12:00:00.123Z'), [1, null, 3],
               Buffer.from([0, 255])];
  const made = await pool.query(
      'INSERT INTO goods (name, facts, at, numbers, data) VALUES ($1, $2, $3, $4, $5) RETURNING *',
      row);
  const { id, ...rest } = made.rows[0];
  assert.strictEqual(id, 1);
  assert.deepStrictEqual(Object.values(rest), row);
}

async function transactions() {
  const client = await pool.connect();
  await client.query('BEGIN');
  await client.query('INSERT INTO goods (name) VALUES ($1)', ['gone']);
  await assert.rejects(client.query('INSERT INTO goods (name) VALUES ($1)', ['þing']),
                       { code: '23505', constraint: 'goods_name_key' });
  await assert.rejects(client.query('SELECT 1'), { code: '25P02' });
  await client.query('ROLLBACK');
  const count = await client.query('SELECT count(*)::int FROM goods');
  assert.strictEqual(count.rows[0].count, 1);
  client.release();
}

async function manyAtOnce() {
  const named = (i) => ({ name: 'put', text: 'INSERT INTO goods (name) VALUES ($1) RETURNING id',
                          values: ['many ' + i] });
  const made = await Promise.all(Array.from({ length: 500 }, (_, i) => pool.query(named(i))));
  assert.strictEqual(new Set(made.map((result) => result.rows[0].id)).size, 500);
  const several = await pool.query('SELECT 1 AS a; SELECT 2 AS b; SELECT count(*)::int FROM goods');
  assert.deepStrictEqual(several.map((result) => Object.values(result.rows[0])[0]), [1, 2, 501]);
}

async function notifications() {
  const client = await pool.connect();
  const heard = new Promise((resolve) => client.once('notification', resolve));
  await client.query('LISTEN news');
  await pool.query("NOTIFY news, 'hello'");
  assert.strictEqual((await heard).payload, 'hello');
  client.release(true);
}

async function main() {
  for (const step of [valuesComeBack, transactions, manyAtOnce, notifications]) {
    await step();
    console.log(step.name, 'holds');
  }
  await pool.end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
