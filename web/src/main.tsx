/** Where the studio begins: its page's only script. */
import { render } from 'preact';
import { App } from './app.tsx';
import { addHeatColours } from './heat-colours.ts';
import { applyTheme } from './theme.ts';

applyTheme();
addHeatColours();
render(<App />, document.getElementById('app') as HTMLElement);
