import 'reflect-metadata';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Controller, Get, Post, Put, SetMetadata } from '@nestjs/common';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { SCOPE_METADATA } from '../domain/scope.js';
import { routesOf, RouteTable } from './routes.js';

const operation: Operation = { id: 'list', tag: 'gateway', summary: 'All.', answers: {} };

@Controller('v1/things')
class Things {
  @Get()
  @SetMetadata(SCOPE_METADATA, 'read')
  @SetMetadata(OPERATION_METADATA, operation)
  list(): void {}

  @Put(':id')
  put(): void {}

  @Post(':id/test')
  @SetMetadata(SCOPE_METADATA, 'publish')
  test(): void {}

  helper(): void {}
}

@Controller()
class Page {
  @Get('page')
  @SetMetadata(SCOPE_METADATA, 'public')
  page(): void {}
}

describe('routes', () => {
  it('are what the controllers say, and which of them says nothing', () => {
    assert.deepEqual(routesOf([Things, Page]), [
      { method: 'GET', url: '/v1/things', access: 'read', operation },
      { method: 'PUT', url: '/v1/things/:id', access: undefined, operation: undefined },
      { method: 'POST', url: '/v1/things/:id/test', access: 'publish', operation: undefined },
      { method: 'GET', url: '/page', access: 'public', operation: undefined },
    ]);
  });

  it('HEAD needs what GET needs; what says nothing, or is not known, needs admin', () => {
    const table = new RouteTable(routesOf([Things, Page]));
    const asked = ['GET /v1/things', 'HEAD /v1/things', 'HEAD /page', 'PUT /v1/things/:id', 'POST /page', 'GET /x'];
    const found = asked.map((one) => table.access(...(one.split(' ') as [string, string])));
    assert.deepEqual(found, ['read', 'read', 'public', 'admin', 'admin', 'admin']);
  });

  it('say which methods an address takes', () => {
    const table = new RouteTable(routesOf([Things, Page]));
    assert.deepEqual(table.methods('/v1/things?a=/page'), ['GET', 'HEAD']);
    assert.deepEqual(table.methods('/v1/thing%73/a%2Fb/test'), ['POST']);
    for (const address of ['/', '', '/v1/things/', '//v1/things', '/v1/things//test', '/v1/things%2Fa', '/%zz']) {
      assert.deepEqual(table.methods(address), [], address);
    }
  });

  it('an address that one route has literally is no parameter of another', () => {
    const table = new RouteTable([
      { method: 'GET', url: '/v1/letters/:number', access: 'read' },
      { method: 'POST', url: '/v1/letters/replay', access: 'admin' },
    ]);
    assert.deepEqual(table.methods('/v1/letters/replay?a=b'), ['POST']);
    assert.deepEqual(table.methods('/v1/letters/7'), ['GET', 'HEAD']);
    for (const address of ['/v1/letters/replay', '/v1/letters/repla%79?x']) {
      assert.equal(table.isOthers('/v1/letters/:number', address), true);
      assert.equal(table.isOthers('/v1/letters/replay', address), false);
    }
    assert.equal(table.isOthers('/v1/letters/:number', '/v1/letters/7'), false);
  });
});
