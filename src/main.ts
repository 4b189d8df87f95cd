#!/usr/bin/env node
/** The program. Signals first: everything else takes a while to load. */
import './signals.js';
import { leave } from './domain/worker-end.js';

const { commandLine } = await import('./command-line.js');
// Whatever still runs after a command has ended must not keep the process.
await leave(await commandLine(process.argv.slice(2)));
