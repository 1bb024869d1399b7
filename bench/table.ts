import { format, type Result } from './harness.ts';
import type { Machine } from './machine.ts';

/** The results for a person: one block a result, figures under each other. */
export function renderReport(suite: string, machine: Machine, results: readonly Result[]): string {
  const { cores, processor, memory_gib, os, node, sqlite } = machine;
  const lines = [
    `${suite}  on ${cores} cores (${processor}), ${memory_gib} GiB, ${os}, Node ${node}, SQLite ${sqlite}`,
    '',
    ...results.flatMap(renderResult),
  ];
  return `${lines.join('\n')}\n`;
}

function renderResult(result: Result): string[] {
  const { name, ours, reference, referenceName, unit, ratio, direction, compares, goal, holds } = result;
  const compared = {
    ratio: `ratio ${ratio}`,
    difference: `difference ${format(ours - reference)} ${unit}`,
    figure: `ours ${format(ours)} ${unit}`,
  }[compares];
  return [
    `${holds ? 'holds ' : 'MISSED'}  ${name}`,
    `          ours       ${format(ours).padStart(10)} ${unit}`,
    `          reference  ${format(reference).padStart(10)} ${unit}   ${referenceName}`,
    `          ${compared}, goal ${direction} ${goal}`,
    '',
  ];
}
