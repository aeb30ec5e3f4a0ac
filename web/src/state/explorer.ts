import { batch, computed, effect, signal } from "@preact/signals";
import { Gateway } from "../api/gateway";
import type { Model } from "../api/messages";
import { type Problem, asProblem, localProblem } from "../api/problems";
import { type Matrix, largest } from "../answer/weights";
import type { MapContent } from "../draw/heat-map-view";
import { axisLabels, rowLabels } from "../draw/labels";
import type { LinkContent } from "../draw/links";
import type { SavedDocument, Unit } from "../answer/answer";
import { type ChosenPicture, NO_PICTURE, fitsIntoLink, pictureParameters, readPicture } from "./chosen-picture";
import { type Question, caption, classify, explain, generate, questionFor } from "./asking";
import { FIELD_DEFAULTS, type Fields, taskOf } from "./fields";
import { asFragment, fromFragment, readFields, readLooks, restorePanel, viewParameters } from "./link";
import { Panel } from "./panel";

/** Where no weight is larger, a scale up to 1 would show next to nothing. */
const SMALL_WEIGHT = 0.3;
const LOOK_AGAIN_MS = 2000;

/** Everything that the page knows, and what can be done with it. */
export class Explorer {
  readonly gateway = new Gateway();
  readonly models = signal<readonly Model[]>([]);
  readonly modelsProblem = signal<Problem | undefined>(undefined);
  readonly fields = signal<Fields>(FIELD_DEFAULTS);
  readonly picture = signal<ChosenPicture>(NO_PICTURE);
  /** The name of a picture that was too large for the link, until it is chosen again. */
  readonly missingPicture = signal("");
  readonly unit = signal<Unit>("words");
  readonly threshold = signal(0);
  /** Whether colours and thickness go up to the largest weight instead of 1; undefined: where weights are small. */
  readonly stretch = signal<boolean | undefined>(undefined);
  /** Whether the page stands by itself, without a gateway. */
  readonly isSaved: boolean;
  readonly panels: readonly [Panel, Panel] = [new Panel(0, this.unit), new Panel(1, this.unit)];
  /** What the next answer restores of a link. */
  private restoring: Record<string, string> = {};
  private lookingAgain: ReturnType<typeof setTimeout> | undefined;

  readonly shownPanels = computed(() => this.panels.filter((panel) => panel.phase.value !== "empty"));

  constructor(document: SavedDocument | undefined) {
    this.isSaved = document !== undefined;
    if (document !== undefined) this.showSaved(document);
    for (const panel of this.panels) effect(() => this.keepExplained(panel));
    effect(() => this.watchLoading());
  }

  /** Looks at what there is, and asks what the link asks. */
  async start(fragment: string): Promise<void> {
    if (this.isSaved) return;
    const parameters = fromFragment(fragment);
    batch(() => {
      this.fields.value = readFields(parameters);
      this.picture.value = readPicture(parameters);
      this.missingPicture.value = this.picture.value.content === "" ? (parameters["pictureName"] ?? "") : "";
      this.restoring = parameters;
      this.readLooks(parameters);
      for (const panel of this.panels) panel.clear();
    });
    await this.lookAndAsk();
  }

  private async lookAndAsk(): Promise<void> {
    await this.loadModels();
    if (!this.isLoading() && Object.keys(this.restoring).length > 0) await this.askIfThere();
  }

  /** Whether a model that is chosen is still being loaded. */
  private isLoading(): boolean {
    return this.panels.some((panel) => this.modelOf(panel)?.ready === false);
  }

  /** Models that are still being loaded are looked at again until they can answer. */
  private watchLoading(): void {
    clearTimeout(this.lookingAgain);
    void this.modelsProblem.value; // a look that failed is followed by another
    if (this.isSaved || !this.isLoading()) return;
    this.lookingAgain = setTimeout(() => void this.lookAndAsk(), LOOK_AGAIN_MS);
  }

  /** Asks if there is something to ask. */
  async askIfThere(): Promise<void> {
    if (this.modelsProblem.value === undefined && this.hasSource()) await this.ask();
  }

  /** Whether there is a text, or a picture, for the model that is chosen. */
  hasSource(): boolean {
    return this.readsPictures() ? this.picture.value.content !== "" : this.fields.value.text !== "";
  }

  private readsPictures(): boolean {
    return taskOf(this.modelOf(this.panels[0])) === "caption";
  }

  /** Takes a picture; if a link waits for it, the view of the link is restored. */
  choosePicture(picture: ChosenPicture): void {
    this.picture.value = picture;
    if (this.missingPicture.value === "") return;
    this.missingPicture.value = "";
    void this.askIfThere();
  }

  async loadModels(): Promise<void> {
    try {
      const { models } = await this.gateway.get<{ models: Model[] }>("v1/models");
      this.models.value = models;
      this.modelsProblem.value =
        models.length > 0 ? undefined : localProblem("This gateway serves no model that you may use.");
      const { model } = this.fields.value;
      const preferred = models.find((each) => each.ready) ?? models[0];
      if (model === "" && preferred) this.set({ model: preferred.name });
    } catch (error) {
      this.modelsProblem.value = asProblem(error);
    }
  }

  set(changes: Partial<Fields>): void {
    this.fields.value = { ...this.fields.value, ...changes };
  }

  /** The model that the form chooses. */
  modelOf(panel: Panel): Model | undefined {
    const name = panel.index === 0 ? this.fields.value.model : this.fields.value.model2;
    return this.models.value.find((model) => model.name === name) ?? panel.answer.value?.model;
  }

  /** What was asked for the answer that a panel shows, in the unit that is chosen now. */
  question(panel: Panel): Question {
    return { ...(panel.asked ?? this.newQuestion(panel)), unit: this.unit.value };
  }

  private newQuestion(panel: Panel): Question {
    return questionFor(panel, this.fields.value, this.modelOf(panel), this.picture.value.content);
  }

  /** Asks every model that is chosen. */
  async ask(): Promise<void> {
    const [first, second] = this.panels;
    const restored = this.restoring;
    this.restoring = {};
    if (this.modelOf(first)?.ready === false) await this.loadModels(); // it may be by now
    if (!this.fields.value.model2) second.clear();
    const asked = this.fields.value.model2 ? [first, second] : [first];
    await Promise.all(asked.map((panel) => this.askOne(panel, restored)));
  }

  stop(): void {
    for (const panel of this.panels) panel.stop();
  }

  private async askOne(panel: Panel, restored: Record<string, string>): Promise<void> {
    const question = this.newQuestion(panel);
    const asked = panel.begin();
    panel.asked = question;
    const ways = { generate, classify, caption };
    try {
      batch(() => restorePanel(restored, panel));
      await ways[taskOf(question.model)](panel, this.gateway, question, asked);
    } catch (error) {
      panel.fail(error, asked);
    }
  }

  /** Generates the rest again behind a beginning that the output must have. */
  force(panel: Panel, prefix: string): void {
    this.fields.value = { ...(panel.asked?.fields ?? this.fields.value), prefix };
    void this.ask();
  }

  /** Asks for heads, or the other unit, as soon as they are looked at. */
  private keepExplained(panel: Panel): void {
    if (this.isSaved || panel.phase.value !== "done" || panel.explainProblem.value) return;
    const wantsHeads = panel.showsHeads.value || panel.head.value.layer !== "average";
    const own = panel.own.value;
    const isThere = own !== undefined && (!wantsHeads || own.heads.length > 0);
    if (isThere || panel.explained.value !== undefined || panel.explaining.value) return;
    queueMicrotask(() => void panel.explain(this.gateway, (gateway, asked) => explain(panel, gateway, this.question(panel), asked)));
  }

  setUnit(unit: Unit): void {
    batch(() => {
      for (const panel of this.panels) panel.choose(panel.resultIndex.value, panel.hypothesisIndex.value);
      this.unit.value = unit;
    });
  }

  /** What the heat map of a panel shows. */
  mapContent(panel: Panel): MapContent | undefined {
    const [attention, matrix] = [panel.attention.value, panel.matrix.value];
    if (!attention || !matrix) return undefined;
    const columnAxis = attention.grid ? "row and column of the picture" : "source";
    return { ...this.linkContent(panel)!, rows: rowLabels(attention), columns: axisLabels(attention), columnAxis };
  }

  /** What its links show. */
  linkContent(panel: Panel): LinkContent | undefined {
    const matrix = panel.matrix.value;
    if (!matrix) return undefined;
    return { matrix, largestWeight: this.largestShown(panel, matrix), threshold: this.threshold.value };
  }

  isStretched(panel: Panel): boolean {
    const average = panel.attention.value?.average;
    return this.stretch.value ?? (average !== undefined && largest(average) < SMALL_WEIGHT);
  }

  /** The weight that has the strongest colour. */
  largestShown(panel: Panel, matrix: Matrix): number {
    return this.isStretched(panel) ? largest(matrix) || 1 : 1;
  }

  viewParameters(): Record<string, string> {
    const looks = { unit: this.unit.value, threshold: this.threshold.value, stretch: this.stretch.value };
    const fields = this.readsPictures() ? { ...this.fields.value, text: "" } : this.fields.value;
    return viewParameters(fields, looks, this.shownPanels.value);
  }

  /** Whether a link cannot hold the picture. */
  leavesPictureOut(): boolean {
    return this.readsPictures() && !fitsIntoLink(this.picture.value.content);
  }

  /** A link that restores the view; it also becomes the page's address. */
  link(): string {
    const url = new URL(location.href);
    url.hash = asFragment({ ...this.viewParameters(), ...this.linkedPicture() });
    history.replaceState(null, "", url);
    return url.href;
  }

  private linkedPicture(): Record<string, string> {
    if (!this.readsPictures()) return {};
    const missing = this.missingPicture.value;
    return missing === "" ? pictureParameters(this.picture.value) : { pictureName: missing };
  }

  /** What a saved page holds. */
  savedDocument(): SavedDocument {
    const answers = this.shownPanels.value.map((panel) => panel.saved()).filter((saved) => saved !== undefined);
    return { answers, view: this.viewParameters() };
  }

  private showSaved(document: SavedDocument): void {
    const parameters = document.view ?? {};
    this.readLooks(parameters);
    document.answers.slice(0, this.panels.length).forEach((saved, index) => {
      const panel = this.panels[index]!;
      panel.begin();
      panel.show(saved);
      restorePanel(parameters, panel);
      panel.phase.value = "done";
    });
    this.keepToSavedUnits(document);
  }

  /** A file by a program holds one unit: then that is the one to show. */
  private keepToSavedUnits(document: SavedDocument): void {
    for (const panel of this.panels) {
      const own = panel.answer.value?.results[0];
      const attention = own?.kind === "classified" ? own.attention : own?.hypotheses[0]?.attention;
      if (attention === undefined || panel.index > 0) continue;
      if (document.view === undefined) this.unit.value = attention.unit;
    }
  }

  private readLooks(parameters: Record<string, string>): void {
    const looks = readLooks(parameters);
    this.unit.value = looks.unit;
    this.threshold.value = looks.threshold;
    this.stretch.value = looks.stretch;
  }
}
