<?php

declare(strict_types=1);

namespace PactFoundation\Telemetry;

use PactFoundation\Telemetry\Internal\Handle;
use PactFoundation\Telemetry\Internal\Native;
use PactFoundation\Telemetry\Internal\Runtime;
use PactFoundation\Telemetry\Internal\Unavailable;

/**
 * Reports the events of one library. A child may go on using it after pcntl_fork(). No method throws (but PHP itself
 * does, if an argument has another type than declared), and none waits except persist(), flush() and close().
 *
 * If the library cannot be loaded or an option is wrong, the client does nothing and $unavailableReason says why. A
 * client that is dropped without close() loses nothing: the library sends what it queued.
 *
 * @phpstan-type Explanation array{
 *     outcome: string, reason: ?string, enabled: bool, state: string, rule: ?string,
 *     rules: list<array{rule: string, says: string, read: mixed, path?: string}>,
 *     protocol: ?string, endpoint: ?string, destination: ?string, configured: bool, debug: bool, ci: bool,
 *     exit_timeout_ms: int, queue_capacity: int, state_dir: ?string, id: ?string,
 *     notice: array{shown_ms: ?int, hold_until_ms: ?int, text: string}, diagnostics: list<string>
 * }
 * @phpstan-type Stats array{
 *     outcome: string, reason: ?string, accepted: int, delivered: int, unconfirmed: int, queued: int,
 *     spooled: int,
 *     dropped: array<string, int>, not_accepted: array<string, int>, last_failure: ?string,
 *     left_by_others: array{delivered: int, unconfirmed: int, dropped: int}
 * }
 * @phpstan-type Preview array{
 *     outcome: string, reason: ?string, method: ?string, url: ?string, content_type: ?string, body: ?string
 * }
 */
final class Client
{
    private const ERROR_CAPACITY = 1024;
    private const MAX_MS = 0xFFFFFFFF;

    private const NO_EXPLANATION = [
        'enabled' => false,
        'state' => 'unavailable',
        'rule' => null,
        'rules' => [],
        'protocol' => null,
        'endpoint' => null,
        'destination' => null,
        'configured' => false,
        'debug' => false,
        'ci' => false,
        'exit_timeout_ms' => 0,
        'queue_capacity' => 0,
        'state_dir' => null,
        'id' => null,
        'notice' => ['shown_ms' => null, 'hold_until_ms' => null, 'text' => ''],
        'diagnostics' => [],
    ];

    private const NO_STATS = [
        'accepted' => 0,
        'delivered' => 0,
        'unconfirmed' => 0,
        'queued' => 0,
        'spooled' => 0,
        'dropped' => [
            'opted_out' => 0,
            'debug' => 0,
            'http_status' => 0,
            'expired' => 0,
            'spool_full' => 0,
            'no_notice' => 0,
            'not_persisted' => 0,
            'internal' => 0,
        ],
        'not_accepted' => ['disabled' => 0, 'not_configured' => 0, 'queue_full' => 0, 'closed' => 0, 'invalid' => 0],
        'last_failure' => null,
        'left_by_others' => ['delivered' => 0, 'unconfirmed' => 0, 'dropped' => 0],
    ];

    private const NO_PREVIEW = ['method' => null, 'url' => null, 'content_type' => null, 'body' => null];

    /** Why this client does nothing; null if it works. */
    public readonly ?string $unavailableReason;

    private readonly ?Handle $handle;
    private readonly ?\FFI $native;
    private readonly ?\FFI\CData $address;

    /**
     * Makes a client. It starts no thread, opens no socket and writes no file before the first accepted event.
     *
     * @param ?string              $testFramework   default: the framework that runs this process, if one is found
     * @param ?string              $platformVersion default: such as `PHP 8.2.7`
     * @param ?bool                $enabled         the host program's own switch; true does not overrule the person
     * @param ?string              $endpoint        URL of another destination
     * @param ?string              $measurementId   of a GA4 data stream, together with $apiSecret; default: built in
     * @param ?string              $trackingId      of a Universal Analytics property; default: built in
     * @param ?int                 $queueCapacity   how many events may wait in memory, 1 to 4096
     * @param ?string              $stateDir        absolute path of the folder where events wait for another attempt
     * @param ?float               $exitTimeout     the longest wait at process exit, in seconds, 0 to 10
     * @param array<string, mixed> $more            keys of the config that only a newer library knows
     */
    public function __construct(
        Library $library,
        ?DataSource $dataSource = null,
        ?string $testFramework = null,
        ?string $platformVersion = null,
        ?bool $enabled = null,
        ?Protocol $protocol = null,
        ?string $endpoint = null,
        ?string $measurementId = null,
        ?string $apiSecret = null,
        ?string $trackingId = null,
        ?int $queueCapacity = null,
        ?string $stateDir = null,
        ?float $exitTimeout = null,
        ?Notice $notice = null,
        ?Id $id = null,
        array $more = [],
    ) {
        $handle = $reason = null;
        try {
            $handle = self::make([
                'library' => $library,
                'data_source' => $dataSource,
                'test_framework' => $testFramework ?? Runtime::testFramework(),
                'platform_version' => $platformVersion ?? Runtime::platformVersion(),
                'enabled' => $enabled,
                'protocol' => $protocol,
                'endpoint' => $endpoint,
                'measurement_id' => $measurementId,
                'api_secret' => $apiSecret,
                'tracking_id' => $trackingId,
                'queue_capacity' => $queueCapacity,
                'state_dir' => $stateDir,
                'exit_timeout_ms' => $exitTimeout === null ? null : self::milliseconds($exitTimeout),
                'notice' => $notice,
                'id' => $id,
                ...$more,
            ]);
        } catch (Unavailable $error) {
            $reason = $error->getMessage();
        } catch (\Throwable $error) {
            $reason = 'the options cannot be used: ' . $error->getMessage();
        }
        $this->handle = $handle;
        $this->native = $handle?->native;
        $this->address = $handle?->address;
        $this->unavailableReason = $reason;
    }

    /**
     * Queues an event. Returns Ok, or why the event was not queued.
     *
     * @param int $value a count that belongs to the event, zero or more
     */
    public function track(
        string $event,
        string $category,
        string $action,
        int $value = 1,
        ?string $pluginName = null,
        ?string $pluginVersion = null,
    ): Outcome {
        if ($this->native === null) {
            return Outcome::Unavailable;
        }
        if (\str_contains("$event$category$action$pluginName$pluginVersion", "\0")) {
            return Outcome::Invalid; // C would take the NUL for the end of the text
        }
        $status = $this->native->pact_telemetry_track(
            $this->address,
            $event,
            $category,
            $action,
            $value,
            $pluginName,
            $pluginVersion,
        );

        return $status === 0 ? Outcome::Ok : Outcome::ofStatus($status);
    }

    /** A run of consumer tests ended; $count is the number of interactions. */
    public function consumerTestsRan(int $count): Outcome
    {
        return $this->track(
            Names::EVENT_PACT_CONSUMER_TESTS_RAN,
            Names::CATEGORY_CONSUMER_TEST,
            Names::ACTION_COMPLETED,
            $count,
        );
    }

    /** A provider verification ended; $count is the number of results. */
    public function pactsVerified(int $count): Outcome
    {
        return $this->track(
            Names::EVENT_PACTS_VERIFIED,
            Names::CATEGORY_PROVIDER_TEST,
            Names::ACTION_COMPLETED,
            $count,
        );
    }

    /** A plugin was loaded. */
    public function pluginLoaded(string $name, string $version): Outcome
    {
        return $this->track(
            Names::EVENT_PLUGIN_LOADED,
            Names::CATEGORY_PLUGIN,
            Names::ACTION_LOADED,
            1,
            $name,
            $version,
        );
    }

    /** A mock server was started. */
    public function mockServerStarted(): Outcome
    {
        return $this->track(
            Names::EVENT_PACT_MOCK_SERVER_STARTED,
            Names::CATEGORY_CONSUMER_TEST,
            Names::ACTION_MOCK_SERVER_STARTED,
        );
    }

    /** Tells whether an event would be queued now. Each call looks at the environment again. */
    public function isEnabled(): bool
    {
        return $this->native?->pact_telemetry_is_enabled($this->address) === 1;
    }

    /**
     * Off: queued events are dropped, and no further event of this client leaves. On: the person's choice still holds.
     */
    public function setEnabled(bool $enabled): void
    {
        $this->native?->pact_telemetry_set_enabled($this->address, (int) $enabled);
    }

    /**
     * Puts every event that was accepted before on disk, and waits until it is there, at most $timeout seconds. Waits
     * for no server. It is for a process that is about to be killed. Kept: the events are on disk, and this process or
     * a later one sends them. Ok: no event waits. Lost, ErrorTimeout: not every event is on disk.
     */
    public function persist(float $timeout = 1.0): Outcome
    {
        return $this->wait($timeout, static fn (Handle $one, int $time): int =>
            $one->native->pact_telemetry_persist($one->address, $time));
    }

    /** Sends every event that was accepted before, and waits for the answers, at most $timeout seconds. */
    public function flush(float $timeout = 1.0): Outcome
    {
        return $this->wait($timeout, static fn (Handle $one, int $time): int =>
            $one->native->pact_telemetry_flush($one->address, $time));
    }

    /** Accepts no more events, then does what flush() does. A further call waits for the events that are left. */
    public function close(float $timeout = 1.0): Outcome
    {
        return $this->wait($timeout, static fn (Handle $one, int $time): int =>
            $one->native->pact_telemetry_close($one->address, $time));
    }

    /**
     * Tells whether the client is on, which rule decided, and what each rule read. Every key is there in every state.
     *
     * @return Explanation
     */
    public function explain(): array
    {
        /** @var Explanation */
        return $this->answer(self::NO_EXPLANATION, static fn (Handle $one, \FFI\CData $buffer, int $size): int =>
            $one->native->pact_telemetry_explain($one->address, $buffer, $size));
    }

    /**
     * Returns the counters of this client in this process. Every key is there in every state.
     *
     * @return Stats
     */
    public function stats(): array
    {
        /** @var Stats */
        return $this->answer(self::NO_STATS, static fn (Handle $one, \FFI\CData $buffer, int $size): int =>
            $one->native->pact_telemetry_stats($one->address, $buffer, $size));
    }

    /**
     * Shows the request that would carry this event alone. Sends nothing. Every key is there in every state.
     *
     * @return Preview
     */
    public function preview(
        string $event,
        string $category,
        string $action,
        int $value = 1,
        ?string $pluginName = null,
        ?string $pluginVersion = null,
    ): array {
        $texts = [$event, $category, $action, $pluginName, $pluginVersion];
        if ($this->native !== null && \str_contains(\implode('', $texts), "\0")) {
            return self::refused(Outcome::Invalid) + self::NO_PREVIEW;
        }

        /** @var Preview */
        return $this->answer(self::NO_PREVIEW, static fn (Handle $one, \FFI\CData $buffer, int $size): int =>
            $one->native->pact_telemetry_preview(
                $one->address,
                $event,
                $category,
                $action,
                $value,
                $pluginName,
                $pluginVersion,
                $buffer,
                $size,
            ));
    }

    /**
     * @param array<string, mixed> $options
     */
    private static function make(array $options): Handle
    {
        $native = Native::load();
        $config = \json_encode((object) $options, \JSON_THROW_ON_ERROR | \JSON_UNESCAPED_SLASHES);
        $error = $native->new('char[' . self::ERROR_CAPACITY . ']');
        $address = $native->pact_telemetry_new($config, $error, self::ERROR_CAPACITY);
        if ($address === null) {
            throw new Unavailable(\FFI::string($error));
        }

        return new Handle($native, $address);
    }

    /**
     * @param callable(Handle, int): int $function
     */
    private function wait(float $timeout, callable $function): Outcome
    {
        if ($this->handle === null) {
            return Outcome::Ok; // there is nothing to wait for
        }

        return \is_nan($timeout)
            ? Outcome::Invalid
            : Outcome::ofStatus($function($this->handle, self::milliseconds($timeout)));
    }

    /**
     * The answer of the library, or the neutral answer with the reason why there is none.
     *
     * @param array<string, mixed>                        $neutral
     * @param callable(Handle, \FFI\CData, int): int $ask
     *
     * @return array<string, mixed>
     */
    private function answer(array $neutral, callable $ask): array
    {
        $handle = $this->handle;
        if ($handle === null) {
            return ['outcome' => Outcome::Unavailable->value, 'reason' => $this->unavailableReason] + $neutral;
        }
        $text = $handle->text(static fn (\FFI\CData $buffer, int $size): int => $ask($handle, $buffer, $size));
        if (\is_int($text)) {
            return self::refused(Outcome::ofStatus($text)) + $neutral;
        }
        $answer = \json_decode($text, true);

        return \is_array($answer)
            ? ['outcome' => Outcome::Ok->value, 'reason' => null] + $answer + $neutral
            : self::refused(Outcome::ErrorInternal) + $neutral;
    }

    /**
     * @return array{outcome: string, reason: string}
     */
    private static function refused(Outcome $outcome): array
    {
        return ['outcome' => $outcome->value, 'reason' => "the library cannot answer: $outcome->value"];
    }

    /** The time in milliseconds, rounded up, so that a short wait is still a wait. */
    private static function milliseconds(float $seconds): int
    {
        return (int) \min(\ceil(\max($seconds, 0) * 1000), self::MAX_MS);
    }
}
