// Tests of the client against a real collector, run by GoogleTest.
#include "support.hpp"

#include <climits>
#include <gtest/gtest.h>
#include <limits>
#include <thread>

namespace
{

using namespace std::chrono_literals;
using pact::telemetry::Client;
using pact::telemetry::Library;
using pact::telemetry::Options;
using pact::telemetry::Outcome;
using support::Collector;
using support::Json;
using support::JsonReader;

const Library LIBRARY{"my-pact", "My Pact", "1.0.0"};

struct ClientTest : testing::Test {
    [[nodiscard]] Options options() const
    {
        Options options;
        options.endpoint = collector.url;
        options.measurement_id = "G-1";
        options.api_secret = "s";
        return options;
    }
    [[nodiscard]] Client client() const { return Client(LIBRARY, options()); }

    support::Place place;
    Collector collector;
};

TEST_F(ClientTest, the_four_events_and_another_arrive)
{
    Client telemetry = client();
    ASSERT_EQ(telemetry.unavailable_reason(), std::nullopt);
    EXPECT_EQ(telemetry.consumer_tests_ran(3), Outcome::Ok);
    EXPECT_EQ(telemetry.pacts_verified(4), Outcome::Ok);
    EXPECT_EQ(telemetry.plugin_loaded("protobuf", std::string("0.5.4")), Outcome::Ok);
    EXPECT_EQ(telemetry.mock_server_started(), Outcome::Ok);
    EXPECT_EQ(telemetry.track("Käse", "Own", "Eaten", 7, std::nullopt, std::optional<std::string>("1")), Outcome::Ok);
    EXPECT_EQ(telemetry.close(10s), Outcome::Ok);
    std::vector<std::vector<std::string>> arrived;
    for (const Json &event : collector.events(5)) {
        EXPECT_TRUE(event["problems"].children.empty());
        arrived.emplace_back();
        for (const char *key : {"event", "category", "action", "value", "plugin_name", "plugin_version"}) {
            arrived.back().push_back(event["fields"][key].text);
        }
    }
    const std::vector<std::vector<std::string>> expected = {
        {"Pact consumer tests ran", "ConsumerTest", "Completed", "3", "", ""},
        {"Pacts verified", "ProviderTest", "Completed", "4", "", ""},
        {"Plugin loaded", "Plugin", "Loaded", "1", "protobuf", "0.5.4"},
        {"Pact mock server started", "ConsumerTest", "MockServerStarted", "1", "", ""},
        {"Käse", "Own", "Eaten", "7", "", "1"},
    };
    EXPECT_EQ(arrived, expected);
}

TEST_F(ClientTest, a_string_view_is_not_read_beyond_its_length)
{
    Client telemetry = client();
    const std::string_view all = "Contract publishedBrokerCompletedprotobuf1.2";
    EXPECT_EQ(
        telemetry.track(all.substr(0, 18), all.substr(18, 6), all.substr(24, 9), 1, all.substr(33, 8), all.substr(41)),
        Outcome::Ok);
    telemetry.flush(10s);
    const auto events = collector.events(1);
    ASSERT_EQ(events.size(), 1U);
    const Json &fields = events[0]["fields"];
    EXPECT_EQ(fields["event"].text, "Contract published");
    EXPECT_EQ(fields["category"].text, "Broker");
    EXPECT_EQ(fields["action"].text, "Completed");
    EXPECT_EQ(fields["plugin_name"].text, "protobuf");
    EXPECT_EQ(fields["plugin_version"].text, "1.2");
}

TEST_F(ClientTest, identity_is_filled_in_and_can_be_overridden)
{
    client().pacts_verified(1);
    Options mine = options();
    mine.test_framework = "Own";
    mine.platform_version = "D 2";
    mine.data_source = pact::telemetry::DataSource::Cli;
    Client(LIBRARY, mine).pacts_verified(2);
    std::map<std::string, Json> by_value;
    for (const Json &event : collector.events(2)) {
        by_value[event["fields"]["value"].text] = event["fields"];
    }
    EXPECT_EQ(by_value["1"]["test_framework"].text, "GoogleTest");
    EXPECT_EQ(by_value["1"]["platform_version"].text, pact::telemetry::detail::platform_version());
    EXPECT_EQ(by_value["1"]["platform_version"].text.rfind(__cplusplus == 201703L ? "C++17 " : "C++2", 0), 0U);
    EXPECT_EQ(by_value["1"]["data_source"].text, "client");
    EXPECT_EQ(by_value["2"]["test_framework"].text, "Own");
    EXPECT_EQ(by_value["2"]["platform_version"].text, "D 2");
    EXPECT_EQ(by_value["2"]["data_source"].text, "cli");
}

TEST_F(ClientTest, invalid_texts_and_values_are_refused)
{
    using pact::telemetry::Text;
    using namespace std::string_view_literals;
    const std::string long_text(501, 'x');
    const std::string huge(100'000, 'x');
    struct Case {
        Outcome outcome;
        Text event, category, action;
        std::int64_t value = 1;
        Text plugin_name = {}, plugin_version = {};
    };
    const Case cases[] = {
        {Outcome::ErrorRange, "e", "c", "a", -1},
        {Outcome::ErrorRange, "e", "c", "a", std::numeric_limits<std::int64_t>::min()},
        {Outcome::ErrorNull, nullptr, "c", "a"},
        {Outcome::ErrorNull, static_cast<const char *>(nullptr), "c", "a"},
        {Outcome::ErrorEmpty, "", "c", "a"},
        {Outcome::ErrorEmpty, std::string_view(), "c", "a"},
        {Outcome::ErrorEmpty, "e", " ", "a"},
        {Outcome::ErrorForbidden, "/home/me/pact.json", "c", "a"},
        {Outcome::ErrorTooLong, "e", "c", long_text},
        {Outcome::ErrorTooLong, "e", "c", std::string_view(huge)},
        {Outcome::ErrorUtf8, "\xC3\x28", "c", "a"},
        {Outcome::Invalid, "half\0cut"sv, "c", "a"},
        {Outcome::Invalid, "e", "half\0cut"sv, "a"},
        {Outcome::Invalid, "e", "c", "half\0cut"sv},
        {Outcome::Invalid, "e", "c", "a", 1, "half\0cut"sv},
        {Outcome::Invalid, "e", "c", "a", 1, "p", "half\0cut"sv},
    };
    Client telemetry = client();
    for (const Case &one : cases) {
        const auto [outcome, event, category, action, value, plugin_name, plugin_version] = one;
        EXPECT_EQ(telemetry.track(event, category, action, value, plugin_name, plugin_version), outcome);
        const auto preview = telemetry.preview(event, category, action, value, plugin_name, plugin_version);
        EXPECT_EQ(preview.outcome, outcome) << &one - cases;
        EXPECT_EQ(preview.body, std::nullopt);
        EXPECT_EQ(preview.reason, std::string("the library cannot answer: ") + name(outcome));
        EXPECT_TRUE(is_error(outcome));
    }
    EXPECT_EQ(telemetry.stats().accepted, 0);
}

TEST_F(ClientTest, enabled_can_be_turned_off_and_on)
{
    Client telemetry = client();
    EXPECT_TRUE(telemetry.is_enabled());
    telemetry.set_enabled(false);
    EXPECT_FALSE(telemetry.is_enabled());
    EXPECT_EQ(telemetry.pacts_verified(1), Outcome::Disabled);
    telemetry.set_enabled(true);
    EXPECT_EQ(telemetry.pacts_verified(1), Outcome::Ok);
}

TEST_F(ClientTest, a_change_of_the_environment_holds_at_once)
{
    Client telemetry = client();
    EXPECT_EQ(telemetry.pacts_verified(1), Outcome::Ok);
    ::setenv("DO_NOT_TRACK", "1", 1);
    EXPECT_EQ(telemetry.pacts_verified(1), Outcome::Disabled);
    EXPECT_EQ(telemetry.explain().rule, "DO_NOT_TRACK");
    ::unsetenv("DO_NOT_TRACK");
    EXPECT_EQ(telemetry.pacts_verified(1), Outcome::Ok);
    EXPECT_EQ(telemetry.stats().not_accepted["disabled"], 1);
}

TEST_F(ClientTest, an_opt_out_in_the_memory_of_another_variable_holds_at_once)
{
    static char entry[] = "AA_NOT_TRACK=1";
    Client telemetry = client();
    ASSERT_EQ(::putenv(entry), 0);
    EXPECT_EQ(telemetry.pacts_verified(1), Outcome::Ok);
    entry[0] = 'D';
    entry[1] = 'O';
    EXPECT_EQ(telemetry.pacts_verified(1), Outcome::Disabled);
    EXPECT_EQ(telemetry.explain().rule, "DO_NOT_TRACK");
    ::unsetenv("DO_NOT_TRACK");
    EXPECT_EQ(telemetry.pacts_verified(1), Outcome::Ok);
}

TEST_F(ClientTest, wrong_options_make_a_client_that_does_nothing_and_says_why)
{
    using namespace std::string_view_literals;
    const auto changed = [this](auto change) {
        Options one = options();
        change(one);
        return one;
    };
    const std::pair<Options, const char *> cases[] = {
        {changed([](Options &one) { one.queue_capacity = 0; }), "queue_capacity"},
        {changed([](Options &one) { one.endpoint = "gopher://x"; }), "endpoint"},
        {changed([](Options &one) { one.exit_timeout = 11s; }), "exit_timeout_ms"},
        {changed([](Options &one) { one.test_framework = "\xC3\x28"; }), "UTF-8"},
        {changed([](Options &one) { one.more["enabled"] = "\"perhaps\""; }), "enabled"},
        {changed([](Options &one) { one.more["enabled"] = "true, \"id\": 1"; }), "no JSON for enabled"},
    };
    for (const auto &[wrong, says] : cases) {
        Client telemetry(LIBRARY, wrong);
        const std::string reason(telemetry.unavailable_reason().value_or("none"));
        EXPECT_NE(reason.find(says), std::string::npos) << reason;
        EXPECT_EQ(telemetry.pacts_verified(1), Outcome::Unavailable);
        EXPECT_FALSE(telemetry.is_enabled());
        EXPECT_EQ(telemetry.explain().reason, reason);
        EXPECT_EQ(telemetry.explain().state, "unavailable");
        EXPECT_EQ(telemetry.stats().outcome, Outcome::Unavailable);
        EXPECT_EQ(telemetry.preview("e", "c", "a").reason, reason);
        EXPECT_EQ(telemetry.track("half\0cut"sv, "c", "a"), Outcome::Unavailable);
        EXPECT_EQ(telemetry.preview("half\0cut"sv, "c", "a").outcome, Outcome::Unavailable);
        EXPECT_EQ(telemetry.preview("e", "c", "half\0cut"sv).reason, reason);
        EXPECT_EQ(telemetry.persist(), Outcome::Ok);
        EXPECT_EQ(telemetry.close(), Outcome::Ok);
    }
    EXPECT_NE(Client({"", "b", "c"}).unavailable_reason(), std::nullopt);
}

TEST_F(ClientTest, every_reason_is_counted_in_every_state)
{
    const auto reasons = [](const std::map<std::string, std::int64_t> &counts) {
        std::string all;
        for (const auto &[reason, count] : counts) {
            all += reason + " ";
        }
        return all;
    };
    const auto working = client().stats();
    Client closed = client();
    closed.close();
    Options wrong = options();
    wrong.queue_capacity = 0;
    Client moved = client();
    Client taken = std::move(moved);
    for (const auto &stats :
         {closed.stats(), Client(LIBRARY, wrong).stats(), moved.stats()}) { // NOLINT(bugprone-use-after-move)
        EXPECT_EQ(reasons(stats.dropped), reasons(working.dropped));
        EXPECT_EQ(reasons(stats.not_accepted), reasons(working.not_accepted));
        EXPECT_EQ(stats.dropped.at("expired"), 0);
    }
}

TEST_F(ClientTest, every_option_reaches_the_library)
{
    Options one = options();
    one.protocol = pact::telemetry::Protocol::UniversalAnalytics;
    one.tracking_id = "UA-1";
    one.queue_capacity = 17;
    one.exit_timeout = 1234ms;
    one.enabled = false;
    one.id = pact::telemetry::Id::Random;
    one.more["from_the_future"] = "[1, {\"a\": null}]";
    const auto explained = Client(LIBRARY, one).explain();
    EXPECT_EQ(explained.outcome, Outcome::Ok);
    EXPECT_EQ(explained.protocol, "universal-analytics");
    EXPECT_EQ(explained.queue_capacity, 17);
    EXPECT_EQ(explained.exit_timeout, 1234ms);
    EXPECT_EQ(explained.rule, "host");
    EXPECT_EQ(explained.id, "random");
    EXPECT_EQ(explained.state_dir, place.folder + "/state");
    ASSERT_EQ(explained.diagnostics.size(), 1U);
    EXPECT_NE(explained.diagnostics[0].find("from_the_future"), std::string::npos);
    ASSERT_FALSE(explained.rules.empty());
    EXPECT_EQ(explained.rules[0].rule, "host");
    EXPECT_EQ(explained.rules[0].says, "off");
    EXPECT_EQ(explained.rules[0].read, "false");
    EXPECT_EQ(JsonReader::read(explained.json)["state"].text, explained.state);
}

TEST_F(ClientTest, a_host_program_that_shows_the_notice_gets_its_text)
{
    ::unsetenv("PACT_TELEMETRY_NOTICE");
    for (const char *ci : {"CI", "CONTINUOUS_INTEGRATION", "BUILD_NUMBER", "RUN_ID"}) {
        ::unsetenv(ci);
    }
    Options one = options();
    one.notice = pact::telemetry::Notice::Host;
    Client telemetry(LIBRARY, one);
    const auto explained = telemetry.explain();
    if (explained.ci) {
        GTEST_SKIP() << "NOT RUN: this is CI, where no notice is needed";
    }
    EXPECT_EQ(explained.notice.shown_ms, std::nullopt);
    EXPECT_NE(explained.notice.text.find("PACT_DO_NOT_TRACK"), std::string::npos);
    EXPECT_EQ(telemetry.pacts_verified(1), Outcome::Ok);
    EXPECT_EQ(telemetry.flush(), Outcome::Kept);
}

TEST_F(ClientTest, a_text_longer_than_the_first_buffer_is_returned_whole)
{
    Options one = options();
    for (int number = 0; number < 500; ++number) {
        one.more["unknown_" + std::to_string(number)] = "1";
    }
    const auto explained = Client(LIBRARY, one).explain();
    EXPECT_GT(explained.json.size(), 5000U);
    EXPECT_NE(explained.json.find("unknown_499"), std::string::npos);
    EXPECT_EQ(explained.outcome, Outcome::Ok);
}

TEST_F(ClientTest, persist_writes_to_disk_while_the_server_hangs)
{
    const Collector hangs("hang*");
    Options one = options();
    one.endpoint = hangs.url;
    one.exit_timeout = 0ms;
    Client telemetry(LIBRARY, one);
    EXPECT_EQ(telemetry.persist(), Outcome::Ok);
    telemetry.pacts_verified(1);
    EXPECT_EQ(telemetry.persist(10s), Outcome::Kept);
    EXPECT_FALSE(std::filesystem::is_empty(place.folder + "/state/spool"));
    EXPECT_EQ(telemetry.flush(100ms), Outcome::ErrorTimeout);
    telemetry.set_enabled(false);
}

TEST_F(ClientTest, any_number_is_a_timeout_and_not_a_number_is_invalid)
{
    using Seconds = std::chrono::duration<double>;
    Client telemetry = client();
    for (const double time : {0.0, -1.0, 0.0001, 1e300, std::numeric_limits<double>::infinity()}) {
        EXPECT_EQ(telemetry.flush(Seconds(time)), Outcome::Ok);
    }
    EXPECT_EQ(telemetry.persist(std::chrono::hours::max()), Outcome::Ok);
    EXPECT_EQ(telemetry.flush(Seconds(std::nan(""))), Outcome::Invalid);
    EXPECT_EQ(telemetry.persist(Seconds(std::nan(""))), Outcome::Invalid);
    EXPECT_EQ(pact::telemetry::detail::milliseconds(1ns), 1U);
    EXPECT_EQ(pact::telemetry::detail::milliseconds(1001us), 2U);
    EXPECT_EQ(pact::telemetry::detail::milliseconds(-1s), 0U);
    EXPECT_EQ(pact::telemetry::detail::milliseconds(std::chrono::hours::max()), UINT_MAX);
}

TEST_F(ClientTest, a_closed_client_refuses_events_and_keeps_its_counters)
{
    Client telemetry = client();
    telemetry.pacts_verified(1);
    EXPECT_EQ(telemetry.close(10s), Outcome::Ok);
    EXPECT_EQ(telemetry.close(10s), Outcome::Ok);
    EXPECT_EQ(telemetry.pacts_verified(2), Outcome::Closed);
    EXPECT_EQ(telemetry.explain().state, "closed");
    const auto stats = telemetry.stats();
    EXPECT_EQ(stats.outcome, Outcome::Ok);
    EXPECT_EQ(stats.accepted, 1);
    EXPECT_EQ(stats.delivered, 1);
    EXPECT_EQ(stats.not_accepted.at("closed"), 1);
    EXPECT_EQ(stats.dropped.at("opted_out"), 0);
    EXPECT_EQ(stats.last_failure, std::nullopt);
}

TEST_F(ClientTest, a_client_that_was_moved_from_does_nothing_and_the_other_one_works)
{
    static_assert(!std::is_copy_constructible_v<Client> && !std::is_copy_assignable_v<Client>);
    static_assert(std::is_nothrow_move_constructible_v<Client> && std::is_nothrow_move_assignable_v<Client>);
    Client first = client();
    Client second = std::move(first);
    EXPECT_EQ(first.pacts_verified(1), Outcome::Unavailable); // NOLINT(bugprone-use-after-move)
    EXPECT_NE(first.unavailable_reason()->find("moved"), std::string::npos);
    EXPECT_EQ(second.pacts_verified(2), Outcome::Ok);
    first = std::move(second);
    EXPECT_EQ(first.pacts_verified(3), Outcome::Ok);
    Client &same = first;
    first = std::move(same);
    EXPECT_EQ(first.pacts_verified(4), Outcome::Ok);
    first = client();
    EXPECT_EQ(first.stats().accepted, 0);
    EXPECT_EQ(collector.events(3).size(), 3U);
}

TEST_F(ClientTest, threads_share_a_client)
{
    Client telemetry = client();
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number) {
        threads.emplace_back([&telemetry] {
            for (int count = 0; count < 100; ++count) {
                telemetry.track(std::string_view("Pacts verified"), "ProviderTest", "Completed", count);
            }
            static_cast<void>(telemetry.stats());
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    EXPECT_EQ(telemetry.close(10s), Outcome::Ok);
    EXPECT_EQ(telemetry.stats().delivered, 400);
}

TEST_F(ClientTest, a_forked_child_can_use_the_client)
{
    Client telemetry = client();
    telemetry.pacts_verified(1);
    telemetry.flush(10s);
    const pid_t child = ::fork();
    if (child == 0) {
        telemetry.pacts_verified(2);
        ::_exit(telemetry.flush(10s) == Outcome::Ok ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(collector.events(2).size(), 2U);
}

TEST_F(ClientTest, or_throw_throws_for_errors_alone)
{
    using pact::telemetry::Error;
    using pact::telemetry::or_throw;
    Client telemetry = or_throw(client());
    EXPECT_EQ(or_throw(telemetry.pacts_verified(1)), Outcome::Ok);
    telemetry.set_enabled(false);
    EXPECT_EQ(or_throw(telemetry.pacts_verified(1)), Outcome::Disabled);
    telemetry.set_enabled(true);
    try {
        or_throw(telemetry.pacts_verified(-1));
        FAIL();
    } catch (const Error &error) {
        EXPECT_EQ(error.outcome(), Outcome::ErrorRange);
        EXPECT_STREQ(error.what(), "pact telemetry: error_range");
    }
    EXPECT_THROW(or_throw(Client({"", "", ""})), Error);
}

TEST(Outcomes, have_the_names_of_the_c_statuses)
{
    const auto &native = pact::telemetry::detail::library().native;
    for (std::int32_t status = PACT_TELEMETRY_ERROR_INTERNAL; status <= PACT_TELEMETRY_KEPT; ++status) {
        std::string expected = native.status_name(status);
        expected.erase(0, std::string_view("PACT_TELEMETRY_").size());
        for (char &c : expected) {
            c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
        EXPECT_EQ(name(pact::telemetry::detail::outcome_of(status)), expected);
        EXPECT_EQ(is_error(pact::telemetry::detail::outcome_of(status)), status < 0);
    }
    EXPECT_EQ(pact::telemetry::detail::outcome_of(99), Outcome::Unknown);
    EXPECT_EQ(pact::telemetry::detail::outcome_of(INT_MIN), Outcome::ErrorUnknown);
    EXPECT_STREQ(name(Outcome::Unavailable), "unavailable");
}

TEST(JsonText, is_read_or_refused)
{
    const Json value = JsonReader::read(R"( {"a": [1, -2.5e3, true, null], "b": "\u00e4\ud83d\ude00\n\"", "c": {}} )");
    EXPECT_EQ(value["a"].children.size(), 4U);
    EXPECT_EQ(value["a"].children[0].number(), 1);
    EXPECT_EQ(value["b"].text, "ä😀\n\"");
    EXPECT_EQ(value["none"]["of"].string(), std::nullopt);
    for (const char *wrong : {"", "{", "[1,]", "{\"a\" 1}", "\"a", "\"\\u12\"", "\"\\ud800\"", "\"\\", "1 2", "nul",
                              "{1: 2}", "[1 2]", "]"}) {
        EXPECT_EQ(JsonReader::read(wrong).kind, Json::Kind::Missing) << wrong;
    }
    EXPECT_EQ(JsonReader::read(std::string(100'000, '[')).kind, Json::Kind::Missing);
}

} // namespace
