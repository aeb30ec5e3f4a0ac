import { useRef } from "preact/hooks";
import type { HeatMapView } from "../draw/heat-map-view";
import type { Panel } from "../state/panel";
import { pin } from "./Links";

interface Point {
  x: number;
  y: number;
}

/** Pointing shows a cell, a click keeps it, dragging moves the map, two fingers or Ctrl and the wheel zoom. */
export function useMapPointer(panel: Panel, view: HeatMapView, redraw: () => void) {
  const pointers = useRef(new Map<number, Point>()).current;
  const drag = useRef({ moved: 0 }).current;

  const pointOf = (event: MouseEvent): Point => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return { x: event.clientX - box.x, y: event.clientY - box.y };
  };
  const zoomWithFingers = (id: number, point: Point): void => {
    const [other] = [...pointers].filter(([each]) => each !== id).map(([, place]) => place);
    const before = pointers.get(id);
    if (!other || !before) return;
    const distance = (one: Point): number => Math.max(8, Math.hypot(one.x - other.x, one.y - other.y));
    view.zoomAt(distance(point) / distance(before), (point.x + other.x) / 2, (point.y + other.y) / 2);
    drag.moved = 99;
  };
  return {
    onPointerDown: (event: PointerEvent): void => {
      pointers.set(event.pointerId, pointOf(event));
      drag.moved = 0;
    },
    onPointerMove: (event: PointerEvent): void => {
      const point = pointOf(event);
      const before = pointers.get(event.pointerId);
      if (before && pointers.size === 2) zoomWithFingers(event.pointerId, point);
      else if (before && view.camera.zoom > 1) {
        const [x, y] = [point.x - before.x, point.y - before.y];
        drag.moved += Math.abs(x) + Math.abs(y);
        view.moveTo({ zoom: view.camera.zoom, x: view.camera.x + x, y: view.camera.y + y });
      }
      if (before) pointers.set(event.pointerId, point);
      panel.hovered.value = view.placeAt(point.x, point.y);
      redraw();
    },
    onPointerUp: (event: PointerEvent): void => {
      pointers.delete(event.pointerId);
      const place = view.placeAt(pointOf(event).x, pointOf(event).y);
      if (drag.moved < 5 && place) pin(panel, place);
    },
    onPointerLeave: (event: PointerEvent): void => {
      pointers.delete(event.pointerId);
      panel.hovered.value = undefined;
    },
    onPointerCancel: (event: PointerEvent): void => void pointers.delete(event.pointerId),
    onWheel: (event: WheelEvent): void => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const point = pointOf(event);
      view.zoomAt(Math.exp(-event.deltaY / 300), point.x, point.y);
      redraw();
    },
  };
}
