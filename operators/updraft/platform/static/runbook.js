// A runbook needs no more of the page than its theme.

import { followTheme } from "./theme.js";

followTheme(() => {});
