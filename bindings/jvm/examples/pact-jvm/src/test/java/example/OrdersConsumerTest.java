package example;

import static org.junit.jupiter.api.Assertions.assertEquals;

import au.com.dius.pact.consumer.MockServer;
import au.com.dius.pact.consumer.dsl.PactDslWithProvider;
import au.com.dius.pact.consumer.junit5.PactConsumerTestExt;
import au.com.dius.pact.consumer.junit5.PactTestFor;
import au.com.dius.pact.core.model.PactSpecVersion;
import au.com.dius.pact.core.model.RequestResponsePact;
import au.com.dius.pact.core.model.annotations.Pact;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A real consumer test. It does not mention telemetry: pact-jvm itself reports that it ran. */
@ExtendWith(PactConsumerTestExt.class)
@PactTestFor(providerName = "orders", pactVersion = PactSpecVersion.V3)
class OrdersConsumerTest {
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

  @Test
  @PactTestFor(pactMethod = "anOrderAndAMissingOne")
  void reads(MockServer server) throws Exception {
    assertEquals(200, ask(server.getUrl() + "/orders/1"));
    assertEquals(404, ask(server.getUrl() + "/orders/2"));
  }

  private static int ask(String url) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
    return HttpClient.newHttpClient().send(request, BodyHandlers.discarding()).statusCode();
  }
}
