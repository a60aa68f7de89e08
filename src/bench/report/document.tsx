/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** A bench's page as one file. */
import { htmlPage } from '../../eval/report/page/document.tsx';
import { BenchPage, type BenchPageProps } from './page.tsx';

export function benchDocument(props: BenchPageProps): string {
  return htmlPage(`${props.title} · LifeAlign bench`, <BenchPage {...props} />);
}
