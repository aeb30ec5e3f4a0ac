// A client in another language: k6's gRPC (Go), which learns the API by reflection.
import { check, fail } from 'k6';
import grpc from 'k6/net/grpc';

const client = new grpc.Client();
const SERVICE = 'heed.v1.InferenceService';

export const options = { thresholds: { checks: ['rate==1.0'] } };

export default function () {
  client.connect(__ENV.ADDRESS, { plaintext: true, reflect: true });

  const answer = client.invoke(`${SERVICE}/Generate`, {
    texts: ['attention', 'heed'],
    options: { attention: 'ATTENTION_LEVEL_PIECES' },
  });
  if (answer.status !== grpc.StatusOK) {
    fail(`Generate: ${JSON.stringify(answer.error)}`);
  }
  const [first] = answer.message.results;
  const { attention } = first.hypotheses[0];
  check(answer.message, {
    'every text is answered': (message) => message.results.length === 2,
    'the source tokens are the letters': () =>
      first.sourceTokens.map((token) => token.text).join('') === 'attention',
    'the matrix has a weight for every pair': () =>
      attention.weights.length === attention.targetTokens.length * attention.sourceTokens.length,
    'the first row sums to one': () =>
      Math.abs(attention.weights.slice(0, 9).reduce((sum, weight) => sum + weight, 0) - 1) < 1e-4,
  });

  const refused = client.invoke(`${SERVICE}/Generate`, { texts: [] });
  check(refused, {
    'no texts is an invalid argument': (reply) => reply.status === grpc.StatusInvalidArgument,
    'the message names the field': (reply) => reply.error.message.includes('texts'),
  });
  client.close();
}
