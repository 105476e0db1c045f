// Texts that the SPDX list has no entry for but that name a licence without doubt: the notices by which a work is put
// under a licence, and wordings of BSD clauses that the matching guidelines call the same.

interface Variant {
  readonly id: string;
  readonly text: string;
}

const WARRANTY = `This <program> is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without even the implied
warranty of MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE. See the`;

function gnuNotices(family: string, title: string, version: string): Variant[] {
  const short = version.replace(/\.0$/, "");
  const grant = `This <program> is free software; you can redistribute it and/or modify it under the terms of the ${title} as published by the Free Software Foundation`;
  const end = `${WARRANTY} ${title} for more details.`;
  return [
    {
      id: `${family}-${version}-or-later`,
      text: `${grant}; either version ${short} of the License, or (at your option) any later version. ${end}`,
    },
    { id: `${family}-${version}-only`, text: `${grant}; version ${short} of the License. ${end}` },
    { id: `${family}-${version}-only`, text: `${grant}, version ${short}. ${end}` },
  ];
}

/** A notice says under which licence a work is, and for GNU licences whether later versions will do. */
export const NOTICES: readonly Variant[] = [
  ...gnuNotices("GPL", "GNU General Public License", "2.0"),
  ...gnuNotices("GPL", "GNU General Public License", "3.0"),
  ...gnuNotices("LGPL", "GNU Library General Public License", "2.0"),
  ...gnuNotices("LGPL", "GNU Lesser General Public License", "2.1"),
  ...gnuNotices("LGPL", "GNU Lesser General Public License", "3.0"),
  ...gnuNotices("AGPL", "GNU Affero General Public License", "3.0"),
  {
    id: "Apache-2.0",
    text: `Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in compliance with the License.
      You may obtain a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
      Unless required by applicable law or agreed to in writing, software distributed under the License is distributed on an "AS IS" BASIS,
      WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the License for the specific language governing permissions
      and limitations under the License.`,
  },
  {
    id: "MPL-2.0",
    text: `This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. If a copy of the MPL was not distributed with this
      file, You can obtain one at http://mozilla.org/MPL/2.0/.`,
  },
];

interface Wording {
  readonly id: string;
  /** Normalised words of the SPDX text, and the words that others write in their place. */
  readonly words: string;
  readonly others: readonly string[];
}

export const WORDINGS: readonly Wording[] = [
  {
    id: "BSD-3-Clause",
    words: "neither the name of the copyright holder nor the names of its contributors may be used",
    others: [
      "the name of the author may not be used",
      "the names of the contributors may not be used",
      "the names of any contributors may not be used",
      "neither the name of the copyright holder nor the names of any contributors may be used",
    ],
  },
];
