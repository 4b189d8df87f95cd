import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Keepalive } from './keepalive.js';

interface Seen {
  pings: number;
  silent: number;
  held: boolean;
  now: number;
}

function watched(held = false): { keepalive: Keepalive; seen: Seen } {
  const seen = { pings: 0, silent: 0, held, now: 1_000 };
  const keepalive = new Keepalive(
    { ping: () => seen.pings++, silent: () => seen.silent++, held: () => seen.held },
    6_000,
    () => seen.now,
  );
  return { keepalive, seen };
}

function turns(keepalive: Keepalive, count: number): void {
  for (let i = 0; i < count; i++) keepalive.turn();
}

describe('keepalive', () => {
  it('gives up a silent broker before one and a half keepalives', () => {
    const { keepalive, seen } = watched();
    turns(keepalive, 6);
    assert.equal(seen.silent, 0);
    turns(keepalive, 1);
    assert.equal(seen.silent, 1, 'after seven sixths of a keepalive');
  });

  it('knows when the broker had its last word', () => {
    const { keepalive, seen } = watched();
    seen.now = 2_000;
    assert.equal(keepalive.heardAt, 1_000);
    keepalive.heard();
    seen.now = 9_000;
    turns(keepalive, 7);
    assert.equal(keepalive.heardAt, 2_000);
  });

  it('keeps a broker that answers every ping', () => {
    const { keepalive, seen } = watched();
    for (let i = 0; i < 60; i++) {
      turns(keepalive, 1);
      keepalive.heard();
    }
    assert.equal(seen.silent, 0);
    assert.equal(seen.pings, 20, 'a ping every half keepalive');
  });

  it('does not blame a broker whose answers wait behind a held reader, and goes on pinging', () => {
    const { keepalive, seen } = watched(true);
    turns(keepalive, 60);
    assert.equal(seen.silent, 0);
    assert.equal(seen.pings, 20);
  });

  it('gives the broker a whole wait again after the reader was held', () => {
    const { keepalive, seen } = watched(true);
    turns(keepalive, 10);
    seen.held = false;
    turns(keepalive, 2);
    assert.equal(seen.silent, 0);
    turns(keepalive, 4);
    assert.equal(seen.silent, 1);
  });
});
