<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry;

/**
 * Names that the Pact libraries report, as in pact_telemetry.constants.json. Any other event may be reported too.
 */
final class Names
{
    public const EVENT_PACT_CONSUMER_TESTS_RAN = 'Pact consumer tests ran';
    public const EVENT_PACTS_VERIFIED = 'Pacts verified';
    public const EVENT_PLUGIN_LOADED = 'Plugin loaded';
    public const EVENT_PACT_MOCK_SERVER_STARTED = 'Pact mock server started';
    public const CATEGORY_CONSUMER_TEST = 'ConsumerTest';
    public const CATEGORY_PROVIDER_TEST = 'ProviderTest';
    public const CATEGORY_PLUGIN = 'Plugin';
    public const ACTION_COMPLETED = 'Completed';
    public const ACTION_LOADED = 'Loaded';
    public const ACTION_MOCK_SERVER_STARTED = 'MockServerStarted';
    public const DATA_SOURCE_CLI = 'cli';
    public const DATA_SOURCE_CLIENT = 'client';
    public const DATA_SOURCE_BROKER = 'broker';
}
