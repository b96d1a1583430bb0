import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { INCLUDE, LIBRARY } from './support.mjs';

const require = createRequire(import.meta.url);
const { FUNCTIONS, STATUS } = require('../lib/native.js');
const header = readFileSync(path.join(INCLUDE, 'pact_telemetry.ffi.h'), 'utf8').replace(/^\/\/.*$/gm, '');

/** The name that koffi has for a type of the header. */
function koffiType(declaration, isResult) {
  const text = declaration.replace(/\bconst\b/g, '').trim();
  if (/^char \*/.test(text)) return isResult || /const/.test(declaration) ? 'str' : 'void *';
  if (/\*/.test(text)) return 'void *';
  return text.split(/\s+/)[0];
}

test('every function of the header is declared, with its types, and no other', () => {
  const declared = {};
  for (const [, result, name, list] of header.matchAll(/^([\w ]+?\**)\s*\bpact_telemetry_(\w+)\(([^)]*)\);/gm)) {
    const parameters = list.trim() === 'void' ? [] : list.split(',').map((one) => koffiType(one, false));
    declared[name] = [koffiType(result, true), parameters];
  }
  assert.equal(Object.keys(declared).length, header.match(/\bpact_telemetry_\w+\(/g).length);
  assert.deepEqual({ ...FUNCTIONS }, declared);
});

test('koffi accepts every declaration of the header unchanged', () => {
  const koffi = require('koffi');
  const library = koffi.load(LIBRARY);
  const declarations = header.split(/;\s*/).filter((text) => /\bpact_telemetry_\w+\(/.test(text));
  assert.equal(declarations.length, Object.keys(FUNCTIONS).length);
  koffi.opaque('PactTelemetry'); // in place of the typedef: in koffi a type is made by a call
  const [abiVersion] = declarations.map((text) => library.func(text));
  assert.equal(abiVersion(), 1);
});

test('every status of the header is declared, and no other', () => {
  const declared = header.matchAll(/^\s+PACT_TELEMETRY_(\w+) = (-?\d+),$/gm);
  assert.deepEqual({ ...STATUS }, Object.fromEntries([...declared].map(([, name, code]) => [name, Number(code)])));
});

test('the names of the events are those of the header', () => {
  const constants = JSON.parse(readFileSync(path.join(INCLUDE, 'pact_telemetry.constants.json'), 'utf8'));
  assert.deepEqual({ ...require('../lib/names.js') }, constants);
});
