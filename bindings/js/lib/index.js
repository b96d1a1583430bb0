'use strict';

const { TelemetryClient } = require('./client.js');

module.exports = { TelemetryClient };
