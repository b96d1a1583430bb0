'use strict';

// Finds the name of the platform that this process runs on, and the name of the library's file there. It starts no
// process. Private.

const { closeSync, openSync, readSync } = require('node:fs');
const { allowed } = require('./host.js');

const FILES = /** @type {Record<string, string>} */ ({
  darwin: 'libpact_telemetry.dylib',
  linux: 'libpact_telemetry.so',
  win32: 'pact_telemetry.dll',
});
const SYSTEM_FILES = /** @type {Record<string, string>} */ ({ ...FILES, linux: 'libpact_telemetry.so.1' });

/** The platforms that have a package. Packaging writes the same list into `optionalDependencies` of package.json. */
const PLATFORMS = Object.freeze([
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64',
]);

const ELF_64_HEADER_BYTES = 64;
const PT_INTERP = 3;

/**
 * The C library that a Linux program uses, by the loader that it names, such as `/lib/ld-musl-x86_64.so.1` or
 * `/lib64/ld-linux-x86-64.so.2`. A process that loads both C libraries crashes, so nothing is loaded from a package if
 * this is undefined. `process.report` knows it too, but takes milliseconds, and in Deno it describes another machine.
 * @param {string} file the program
 * @returns {'gnu' | 'musl' | undefined}
 */
function libcOf(file) {
  const loader = loaderOf(file);
  if (/(^|\/)ld-musl-[^/]*$/.test(loader)) return 'musl';
  return /(^|\/)ld-linux[^/]*$/.test(loader) ? 'gnu' : undefined;
}

/**
 * The loader that a 64-bit ELF file names; empty if it names none or is not such a file.
 * @param {string} file
 */
function loaderOf(file) {
  const descriptor = openSync(file, 'r');
  const bytes = (/** @type {number} */ position, /** @type {number} */ length) => {
    const buffer = Buffer.alloc(length);
    readSync(descriptor, buffer, 0, length, position);
    return buffer;
  };
  try {
    const header = bytes(0, ELF_64_HEADER_BYTES);
    if (header.toString('latin1', 0, 5) !== '\x7fELF\x02') return '';
    const [entryBytes, entries] = [header.readUInt16LE(54), header.readUInt16LE(56)];
    const table = bytes(Number(header.readBigUInt64LE(32)), entryBytes * entries);
    for (let at = 0; at < table.length; at += entryBytes) {
      if (table.readUInt32LE(at) !== PT_INTERP) continue;
      const [position, length] = [table.readBigUInt64LE(at + 8), table.readBigUInt64LE(at + 32)];
      return bytes(Number(position), Math.min(Number(length), 4_096))
        .toString('utf8')
        .replace(/\0.*$/s, '');
    }
    return '';
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Such as `linux-x64-gnu`, or `linux-x64` where the C library is not known. Not every name is one of `PLATFORMS`.
 * @returns {string}
 */
function platformName() {
  const name = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') return name;
  // Deno permits no reading below /proc unless the program may do everything.
  for (const program of ['/proc/self/exe', process.execPath]) {
    try {
      const libc = allowed({ name: 'read', path: program }) ? libcOf(program) : undefined;
      if (libc !== undefined) return `${name}-${libc}`;
    } catch {
      // This file cannot be read; the next one is tried.
    }
  }
  return name;
}

const libraryFile = () => FILES[process.platform] ?? FILES.linux;
const systemFile = () => SYSTEM_FILES[process.platform] ?? FILES.linux;

module.exports = { PLATFORMS, libcOf, libraryFile, platformName, systemFile };
