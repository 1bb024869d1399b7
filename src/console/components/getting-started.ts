import type { StatusReport } from '../../runtime/operator.ts';
import { html, type Html } from '../html.ts';

/** The overview before anything was captured: what is read, and what to do. */
export function gettingStarted({ sources }: StatusReport): Html {
  const reads = sources.some(({ exists }) => exists);
  return html`<section class="getting-started" aria-labelledby="start-title">
    <h2 id="start-title">Nothing captured yet</h2>
    <p>
      ${
        reads
          ? 'Syncline reads the places below and has found no session in them.'
          : 'Syncline has found no folder of an agent on this machine.'
      }
    </p>
    <ol>
      <li>Start Claude Code, Codex or Cursor in one of your projects and ask it something.</li>
      <li>Reload this page: what the agent does shows up here within seconds.</li>
      <li>Still nothing? <code>syncline doctor</code> lists each place it looked at, and why.</li>
    </ol>
  </section>`;
}
