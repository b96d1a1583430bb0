const report = require('./report.cjs');

// Jest, Vitest and Mocha bring `it`; Node.js' own runner has it in a module.
(globalThis.it ?? require('node:test').it)('reports', () => {
    report(2);
});
