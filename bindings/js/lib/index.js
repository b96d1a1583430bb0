'use strict';

const { TelemetryClient } = require('./client.js');
const names = require('./names.js');

module.exports = { TelemetryClient, ...names };
