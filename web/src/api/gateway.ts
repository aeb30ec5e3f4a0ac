import type { Status, StreamEvent } from "./messages";
import { ProblemError, localProblem, problemOf, unreachable } from "./problems";
import { eventsOf } from "./server-events";

/** Speaks to the gateway that the page came from. */
export class Gateway {
  /** Sent with every call if it is set; kept in this page alone. */
  apiKey = "";

  async get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
    return (await (await this.fetch(path, { signal })).json()) as Answer;
  }

  async post<Answer>(path: string, body: unknown, signal?: AbortSignal): Promise<Answer> {
    return (await (await this.fetch(path, this.posting(body, signal))).json()) as Answer;
  }

  /** The messages of streamGenerate as they come. */
  async *stream(body: unknown, signal: AbortSignal): AsyncGenerator<StreamEvent> {
    const response = await this.fetch("v1/streamGenerate", this.posting(body, signal));
    if (response.body === null) throw new ProblemError(unreachable());
    try {
      for await (const event of eventsOf(response.body)) {
        const message: unknown = JSON.parse(event.data);
        if (event.name === "error") throw new ProblemError(problemOf(message as Status, 0));
        yield message as StreamEvent;
      }
    } catch (error) {
      throw error instanceof TypeError ? new ProblemError(unreachable()) : error;
    }
  }

  private posting(body: unknown, signal?: AbortSignal): RequestInit {
    const headers = { "content-type": "application/json" };
    return { method: "POST", body: JSON.stringify(body), headers, signal };
  }

  private async fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.apiKey) headers.set("x-api-key", this.apiKey);
    let response: Response;
    try {
      response = await fetch(path, { ...init, headers, credentials: "same-origin" });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new ProblemError(unreachable());
    }
    if (!response.ok) throw await failure(response);
    return response;
  }
}

async function failure(response: Response): Promise<ProblemError> {
  try {
    return new ProblemError(problemOf((await response.json()) as Status, response.status));
  } catch {
    const sentence = `Something between this page and the gateway answered with status ${response.status}.`;
    return new ProblemError(localProblem(sentence, "Try again; if it stays, ask whoever runs the gateway."));
  }
}
