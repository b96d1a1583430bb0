package example;

import static org.junit.jupiter.api.Assertions.assertEquals;

import au.com.dius.pact.consumer.MockServer;
import au.com.dius.pact.consumer.dsl.PactDslWithProvider;
import au.com.dius.pact.consumer.junit5.PactConsumerTestExt;
import au.com.dius.pact.consumer.junit5.PactTestFor;
import au.com.dius.pact.core.model.PactSpecVersion;
import au.com.dius.pact.core.model.RequestResponsePact;
import au.com.dius.pact.core.model.annotations.Pact;
import au.com.dius.pact.telemetry.Telemetry;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A real consumer test of Pact's, which reports as Pact's library would. */
@ExtendWith(PactConsumerTestExt.class)
@PactTestFor(providerName = "orders", pactVersion = PactSpecVersion.V3)
class OrdersConsumerTest {
  private static final Telemetry TELEMETRY =
      Telemetry.builder().library("pact-jvm", "Pact JVM", "4.6.17").build();

  private static int interactions;

  @Pact(consumer = "shop", provider = "orders")
  RequestResponsePact anOrderAndAMissingOne(PactDslWithProvider builder) {
    return builder
        .given("order 1 exists")
        .uponReceiving("a request for order 1")
        .path("/orders/1")
        .willRespondWith()
        .status(200)
        .body("{\"id\": 1}", "application/json")
        .uponReceiving("a request for an order that is missing")
        .path("/orders/2")
        .willRespondWith()
        .status(404)
        .toPact();
  }

  @Pact(consumer = "shop", provider = "orders")
  RequestResponsePact aNewOrder(PactDslWithProvider builder) {
    return builder
        .uponReceiving("a new order")
        .method("POST")
        .path("/orders")
        .willRespondWith()
        .status(201)
        .toPact();
  }

  @Test
  @PactTestFor(pactMethod = "anOrderAndAMissingOne")
  void reads(MockServer server, RequestResponsePact pact) throws Exception {
    assertEquals(200, ask(HttpRequest.newBuilder(URI.create(server.getUrl() + "/orders/1"))));
    assertEquals(404, ask(HttpRequest.newBuilder(URI.create(server.getUrl() + "/orders/2"))));
    interactions += pact.getInteractions().size();
  }

  @Test
  @PactTestFor(pactMethod = "aNewOrder")
  void orders(MockServer server, RequestResponsePact pact) throws Exception {
    assertEquals(
        201,
        ask(
            HttpRequest.newBuilder(URI.create(server.getUrl() + "/orders"))
                .POST(HttpRequest.BodyPublishers.noBody())));
    interactions += pact.getInteractions().size();
  }

  private static int ask(HttpRequest.Builder request) throws Exception {
    return HttpClient.newHttpClient().send(request.build(), BodyHandlers.discarding()).statusCode();
  }

  @AfterAll
  static void report() {
    TELEMETRY.consumerTestsRan(interactions);
    TELEMETRY.close();
  }
}
