/** The page's style: one sheet, light and dark, from phone to wide screens. */
import { HEAT_STEPS, type HeatKind, heatColours, type Scheme, stepClass } from './colours.ts';

export function style(): string {
  return [
    `:root{${light}}`,
    heatRules('light'),
    `@media (prefers-color-scheme:dark){:root{${dark}}\n${heatRules('dark')}}`,
    page,
    tables,
    charts,
    answers,
    wide,
  ].join('\n');
}

const light = `
--paper:#fdfdfb;--ink:#1d232b;--soft:#59636f;--rule:#dfe2e1;--wash:#f3f4f1;--link:#1f5a8c;--warn:#8a4b08;
--s0:#1f6fb2;--s1:#c2410c;--s2:#12805c;--s3:#8a3fb0;--s4:#8a6a00;--s5:#0f7f92;--s6:#bd2c68;--s7:#4f5b6b;`;

const dark = `
--paper:#14171c;--ink:#e4e7ea;--soft:#a0a9b4;--rule:#2e343d;--wash:#1c2027;--link:#86bdf0;--warn:#f0b866;
--s0:#6db3f2;--s1:#ff9d66;--s2:#54d0a3;--s3:#cf9bee;--s4:#e2c04d;--s5:#5cd0e2;--s6:#f58cb6;--s7:#b6c0cc;`;

function heatRules(scheme: Scheme): string {
  const kinds: readonly HeatKind[] = ['sequential', 'diverging'];
  return kinds
    .flatMap((kind) => {
      const colours = heatColours(kind, scheme);
      return Array.from({ length: HEAT_STEPS }, (_, step) => {
        const { background, ink } = colours[step]!;
        return `.${stepClass(kind, step)}{--heat:${background};--heat-ink:${ink}}`;
      });
    })
    .join('\n');
}

const page = `
*{box-sizing:border-box}
html{scroll-padding-top:1rem;-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:84rem;background:var(--paper);color:var(--ink);
  font:15px/1.5 system-ui,-apple-system,Segoe UI,Roboto,Noto Sans,sans-serif;overflow-wrap:break-word}
h1,h2{font-family:Charter,Bitstream Charter,Sitka Text,Cambria,Georgia,serif;font-weight:600;line-height:1.2}
h1{font-size:2rem;margin:.1rem 0 .6rem}
h2{font-size:1.45rem;margin:3rem 0 .8rem;padding-top:.7rem;border-top:1px solid var(--rule)}
h3{font-size:1rem;margin:1.8rem 0 .6rem}
h4{font-size:.85rem;margin:0 0 .4rem;color:var(--soft);font-weight:600}
a{color:var(--link)}
h2 a{color:inherit;text-decoration:none}
h2 a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.kicker{margin:0;color:var(--soft);font-size:.8rem;letter-spacing:.06em;text-transform:uppercase}
.runs{list-style:none;margin:0;padding:0;color:var(--soft)}
.runs b{color:var(--ink)}
nav ol{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:1rem 0 0;padding:0;font-size:.9rem}
nav a{text-decoration:none}
nav a:hover{text-decoration:underline}
.lead{max-width:46rem;color:var(--soft);margin:.4rem 0 1rem}
.lead b{color:var(--ink)}
.note{color:var(--soft);font-size:.82rem;margin:.35rem 0 0;max-width:52rem}
.missing,.private{color:var(--warn);font-size:.9rem;margin:.3rem 0 .8rem}
ul.missing{padding-left:1.1rem}
.missing .off{color:var(--soft)}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
pre{background:var(--wash);border:1px solid var(--rule);border-radius:4px;padding:.7rem .9rem;overflow:auto;
  font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;margin:.5rem 0}
.config{max-height:32rem}
details{margin:.7rem 0}
summary{cursor:pointer}
details.data>summary,details.panels>summary{font-size:.88rem;color:var(--soft)}
details[open].data>summary{color:var(--ink)}`;

const tables = `
.scroll{overflow-x:auto;max-width:100%;position:relative}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.85rem}
th{font-weight:600;text-align:left}
.grid{margin-top:.4rem}
.grid th,.grid td{padding:.22rem .9rem .22rem 0;border-bottom:1px solid var(--rule);vertical-align:top;white-space:nowrap}
.grid thead th{text-align:right;color:var(--soft);font-weight:500;border-bottom-color:var(--soft)}
.grid td{text-align:right}
.grid .text,.grid th:first-child{text-align:left}
.heats{display:flex;flex-wrap:wrap;gap:1.2rem 2.2rem}
.heats>.scroll{flex:0 1 auto}
.heat caption{text-align:left;font-weight:600;padding-bottom:.3rem}
.heat td{min-width:3.1rem;padding:.34rem .5rem;text-align:right;background:var(--heat);color:var(--heat-ink);
  border:1px solid var(--paper)}
.heat td:not([class]){background:none;color:var(--soft);text-align:center}
.heat th{font-weight:500;color:var(--soft);padding:.3rem .5rem;white-space:nowrap;max-width:13rem;overflow:hidden;
  text-overflow:ellipsis}
.heat thead th{text-align:right;vertical-align:bottom;white-space:normal}
.heat thead bdi{display:block;max-width:7rem;overflow-wrap:break-word}
.heat thead th.corner,.heat tbody th{text-align:left;position:sticky;left:0;background:var(--paper);padding-left:0}
.heat .corner{font-style:italic}
.heat tr.apart td,.heat tr.apart th{border-bottom:5px solid var(--paper)}
.heat td.learned{outline:1.5px solid var(--heat-ink);outline-offset:-4px;font-weight:600}
.heat-legend{display:flex;align-items:center;gap:.5rem;font-size:.82rem;color:var(--soft);margin:.2rem 0 .8rem}
.ramp{display:flex;flex:0 1 10rem}
.ramp i{flex:1;height:.85rem;background:var(--heat)}`;

const charts = `
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));gap:1rem 1.6rem}
.charts.small{grid-template-columns:repeat(auto-fill,minmax(min(100%,14.5rem),1fr));gap:.8rem 1.2rem}
.beside-charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));gap:0 1.6rem}
.beside-tables{display:flex;flex-wrap:wrap;gap:0 2.6rem}
.beside-tables>*{max-width:100%}
.chart{margin:0;min-width:0}
.chart figcaption{font-size:.85rem;font-weight:600;margin-bottom:.1rem;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.chart svg{display:block;width:100%;height:auto}
svg text,.axis text{font-size:11px;fill:var(--soft);font-variant-numeric:tabular-nums}
svg .name,svg .value{fill:var(--ink);font-size:11.5px}
svg .empty{font-style:italic}
.axis path{stroke:var(--soft);stroke-width:1;fill:none}
.axis .grid{stroke:var(--rule)}
.left text{text-anchor:end}
.bottom text,.left .label,.on-bar{text-anchor:middle}
.guide line{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 3}
.line{fill:none;stroke:var(--series);stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
.whisker{stroke-width:2.4;stroke-dasharray:none!important}
.dot{fill:var(--series);stroke:var(--paper);stroke-width:1}
.band{fill:var(--series);opacity:.18;stroke:none}
.s0{--series:var(--s0)}
.s1{--series:var(--s1);stroke-dasharray:6 3}
.s2{--series:var(--s2);stroke-dasharray:2 3}
.s3{--series:var(--s3);stroke-dasharray:8 3 2 3}
.s4{--series:var(--s4);stroke-dasharray:12 3}
.s5{--series:var(--s5);stroke-dasharray:4 2 1 2}
.s6{--series:var(--s6);stroke-dasharray:1 3}
.s7{--series:var(--s7);stroke-dasharray:9 4 3 4}
.dot,.band{stroke-dasharray:none}
.legend,.origins{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:0 0 .8rem;padding:0;font-size:.85rem}
.legend li{display:flex;align-items:center;gap:.4rem}
.origins i{display:inline-block;min-width:1.5rem;text-align:center;font-style:normal;background:var(--heat);
  color:var(--heat-ink);border-radius:2px}
.bar{fill:var(--heat);stroke:var(--paper);stroke-width:1}
.on-bar{fill:var(--heat-ink);font-size:10px}
.stage-sft,.key-sft{--heat:var(--s5);--heat-ink:var(--paper)}
.stage-preference,.key-preference{--heat:var(--s0);--heat-ink:var(--paper)}
.key{font-size:.85rem;color:var(--soft);margin:.2rem 0 .6rem}
.key i{display:inline-block;width:.8rem;height:.8rem;margin-left:.6rem;background:var(--heat);vertical-align:-1px}
.key i:first-child{margin-left:0}`;

const answers = `
.row{border-left:3px solid var(--rule);padding-left:.9rem;margin:1rem 0 1.6rem}
.asked{display:grid;grid-template-columns:6rem 1fr;gap:.3rem .8rem;margin:0 0 .6rem;font-size:.9rem}
.asked dt{color:var(--soft)}
.asked dd{margin:0;min-width:0}
.answers{width:100%;table-layout:fixed;font-size:.88rem}
.answers th{color:var(--soft);font-weight:500;border-bottom:1px solid var(--rule);padding:.2rem .9rem .2rem 0}
.answers td{vertical-align:top;padding:.4rem .9rem .4rem 0;min-width:15rem}
.answers th,.answers td{width:18rem}
.words{display:block;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
.score{margin:0 0 .2rem;font-size:.78rem;color:var(--soft)}
.none{color:var(--soft);font-style:italic}
.long{margin:0}
.long>summary{list-style:none}
.long[open]>summary .words{display:none}
.more{color:var(--link);font-size:.8rem}
.long[open]>summary .more{color:var(--soft)}`;

const wide = `
@media (max-width:34rem){.asked{grid-template-columns:1fr}.asked dd{margin-bottom:.4rem}h1{font-size:1.6rem}}
@media (min-width:72rem){
  body{display:grid;grid-template-columns:10rem minmax(0,1fr);gap:0 2.5rem;padding-left:2rem;padding-right:2rem}
  header{grid-column:2}
  nav{grid-row:2;position:sticky;top:1.5rem;align-self:start}
  nav ol{flex-direction:column;margin-top:3.2rem}
  main{grid-column:2;grid-row:2;min-width:0}
}
@media print{nav{display:none}details>summary{list-style:none}}`;
