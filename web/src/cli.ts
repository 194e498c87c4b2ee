#!/usr/bin/env node
// The command line: zeolite convert | run | inspect | bench | serve.
import { main } from './cli/main.js';

process.exitCode = await main(process.argv.slice(2));
