/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** The page as one file: no script, nothing loaded, and a policy that would refuse both. */
import type { VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { Report } from '../report.ts';
import { Page, reportTitle } from './page.tsx';
import { style } from './style.ts';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

export function htmlDocument(report: Report): string {
  const title = `${reportTitle(report.runs.map(({ label }) => label))} · LifeAlign report`;
  return htmlPage(title, <Page report={report} />);
}

/** A whole document around a page's content. */
export function htmlPage(title: string, content: VNode): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="lifealign">
${renderToString(<title>{title}</title>)}
<style>
${style()}
</style>
</head>
<body>
${renderToString(content)}
</body>
</html>
`;
}
