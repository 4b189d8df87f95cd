import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Keepalive } from './keepalive.js';

function watched(held = false): { keepalive: Keepalive; seen: { pings: number; silent: number; held: boolean } } {
  const seen = { pings: 0, silent: 0, held };
  const keepalive = new Keepalive(
    { ping: () => seen.pings++, silent: () => seen.silent++, held: () => seen.held },
    6_000,
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
