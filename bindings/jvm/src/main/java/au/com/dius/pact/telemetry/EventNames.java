package au.com.dius.pact.telemetry;

/** The names that the Pact libraries report. Any other event may be reported too. */
public final class EventNames {
  /** A run of consumer tests ended. The value is the number of interactions. */
  public static final String EVENT_PACT_CONSUMER_TESTS_RAN = "Pact consumer tests ran";

  /** A provider verification ended. The value is the number of results. */
  public static final String EVENT_PACTS_VERIFIED = "Pacts verified";

  /** A plugin was loaded. The value is 1. */
  public static final String EVENT_PLUGIN_LOADED = "Plugin loaded";

  /** A mock server was started. The value is 1. */
  public static final String EVENT_PACT_MOCK_SERVER_STARTED = "Pact mock server started";

  /** The category of what a consumer's tests do. */
  public static final String CATEGORY_CONSUMER_TEST = "ConsumerTest";

  /** The category of what a provider's tests do. */
  public static final String CATEGORY_PROVIDER_TEST = "ProviderTest";

  /** The category of what plugins do. */
  public static final String CATEGORY_PLUGIN = "Plugin";

  /** The action of a run that ended. */
  public static final String ACTION_COMPLETED = "Completed";

  /** The action of a plugin that was loaded. */
  public static final String ACTION_LOADED = "Loaded";

  /** The action of a mock server that was started. */
  public static final String ACTION_MOCK_SERVER_STARTED = "MockServerStarted";

  private EventNames() {}
}
