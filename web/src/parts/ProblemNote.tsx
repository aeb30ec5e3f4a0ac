import type { Problem } from "../api/problems";

export function ProblemNote({ problem, retry }: { problem: Problem; retry?: () => void }) {
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{problem.sentence}</strong> {problem.advice}
      </p>
      {problem.requestId && <p class="note">Request {problem.requestId}</p>}
      {retry && (
        <button type="button" class="quiet" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
